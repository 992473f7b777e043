import { Check, Column, CreateDateColumn, Entity, PrimaryGeneratedColumn, Unique, UpdateDateColumn } from 'typeorm';
import { type Limit } from '../../ledger/entities/quota-limit-usage.entity';
import { type Overage, OVERAGE_CHECK, type Rollover, ROLLOVER_CHECK } from '../../ledger/entities/user-quota-forms.entity';

@Entity('subscription_tiers')
@Unique('subscription_tiers_name_key', ['name'])
@Check('subscription_tiers_daily_quota_check', 'CASE WHEN unlimited THEN daily_quota IS NULL ELSE coalesce(daily_quota >= 0, false) END')
@Check('subscription_tiers_burst_per_minute_check', 'burst_per_minute > 0')
@Check('subscription_tiers_overage_check', OVERAGE_CHECK)
@Check('subscription_tiers_rollover_check', ROLLOVER_CHECK)
@Check('subscription_tiers_limits_check', 'limits IS NULL OR quota_limits_valid(limits)')
@Check('subscription_tiers_max_in_flight_check', 'max_in_flight > 0')
@Check(
  'subscription_tiers_max_in_flight_by_type_check',
  `jsonb_typeof(max_in_flight_by_type) = 'object' AND NOT jsonb_path_exists(max_in_flight_by_type,
    'strict $.* ? (!(@.type() == "number" && @ >= 1 && @ <= 2147483647 && @.floor() == @))')`,
)
@Check('subscription_tiers_day_starts_at_check', `day_starts_at ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'`)
export class Tier {
  @PrimaryGeneratedColumn('identity', {
    type: 'integer',
    generatedIdentity: 'BY DEFAULT',
    primaryKeyConstraintName: 'subscription_tiers_pkey',
  })
  id: number;

  @Column({ type: 'varchar', length: 50 })
  name: string;

  /** Units a day; null when unlimited. */
  @Column({ name: 'daily_quota', type: 'integer', nullable: true })
  dailyQuota: number | null;

  @Column({ type: 'boolean', default: false })
  unlimited: boolean;

  @Column({ name: 'burst_per_minute', type: 'integer', nullable: true })
  burstPerMinute: number | null;

  /** How far its users may go beyond the daily quota; null: not at all. */
  @Column({ type: 'jsonb', nullable: true })
  overage: Overage | null;

  /** What of a day's unused units its users keep; null: nothing. */
  @Column({ type: 'jsonb', nullable: true })
  rollover: Rollover | null;

  /** Whether its quota is tried out: what it would refuse is admitted and counted. */
  @Column({ type: 'boolean', default: false })
  shadow: boolean;

  /** `HH:MM` at which its users' days begin; null: as the setting has it. */
  @Column({ name: 'day_starts_at', type: 'varchar', length: 5, nullable: true })
  dayStartsAt: string | null;

  /** Units in other periods than the day, or of some types; null: no further limit. */
  @Column({ type: 'jsonb', nullable: true })
  limits: Limit[] | null;

  /** Units that a user may have in flight; null: any number. */
  @Column({ name: 'max_in_flight', type: 'integer', nullable: true })
  maxInFlight: number | null;

  /** The same for types of requests, beside it. */
  @Column({ name: 'max_in_flight_by_type', type: 'jsonb', nullable: true })
  maxInFlightByType: Record<string, number> | null;

  @Column({ name: 'sort_order', type: 'integer', default: 0 })
  sortOrder: number;

  @Column({ type: 'boolean', default: false })
  archived: boolean;

  /** Of its quota: drawn anew by each edit. */
  @Column({ type: 'integer', default: 0 })
  version: number;

  /** The version that every user's row has a copy of; smaller than `version` while the copies are made. */
  @Column({ name: 'copied_version', type: 'integer', default: 0 })
  copiedVersion: number;

  /** When its quota was last edited. */
  @Column({ name: 'edited_at', type: 'timestamptz', nullable: true })
  editedAt: Date | null;

  /** Null for a tier. Else this is no tier but an earlier name of that one, there until no row of a user bears it. */
  @Column({ name: 'alias_of', type: 'integer', nullable: true })
  aliasOf: number | null;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt: Date;

  @UpdateDateColumn({ name: 'updated_at', type: 'timestamptz', default: () => 'now()' })
  updatedAt: Date;
}
