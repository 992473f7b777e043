import { Check, Column, CreateDateColumn, Entity, ForeignKey, Index, PrimaryGeneratedColumn, Unique } from 'typeorm';
import { type Role } from '../../common/principal';
import { Tier } from '../../tiers/entities/tier.entity';

export type UserStatus = 'active' | 'suspended';

/**
 * An account with its counter of today. What the counter means now is for `quota_of` in the database to decide, which every
 * reader shares: a row whose `quota_reset_date` is over counts nothing, whatever it holds.
 */
@Entity('users')
@Unique('users_email_key', ['email'])
@Index('users_email_lower_key', { synchronize: false })
@Index('users_time_zone_id_idx', ['timeZone', 'id'])
@Index('users_subscription_tier_id_idx', ['tier', 'id'])
@Index('users_waiting_tier_idx', ['id'], { where: 'next_subscription_tier IS NOT NULL' })
@Index('users_next_subscription_tier_id_idx', ['nextTier', 'id'], { where: 'next_subscription_tier IS NOT NULL' })
@Index('users_admin_id_idx', ['id'], { where: "role = 'admin'" })
@Check('users_max_in_flight_check', 'max_in_flight > 0')
@Index('users_quota_forms_id_idx', ['id'], { where: 'quota_forms' })
@Index('users_suspended_id_idx', ['id'], { where: "status = 'suspended'" })
@Check('users_quota_reset_date_check', `quota_reset_date BETWEEN '1970-01-01' AND '9999-12-30' OR status = 'deleted'`)
@Check('users_next_tier_from_check', `next_tier_from BETWEEN '1970-01-01' AND '9999-12-30'`)
@Check('users_role_check', "role IN ('user', 'viewer', 'support', 'admin')")
@Check('users_status_check', "status IN ('active', 'suspended', 'deleted')")
@Check('users_next_quota_check', 'next_subscription_tier IS NULL OR next_quota_unlimited OR coalesce(next_quota_daily >= 0, false)')
@Check('users_api_quota_daily_check', 'api_quota_daily >= 0')
@Check('users_api_quota_used_today_check', 'api_quota_used_today >= 0')
@Check('users_api_quota_refunded_today_check', 'api_quota_refunded_today >= 0')
@Check('users_quota_overage_today_check', 'quota_overage_today >= 0')
@Check('users_api_quota_requests_today_check', 'api_quota_requests_today >= 0')
@Check(
  'users_quota_override_check',
  'quota_override_expires_at IS NULL OR (quota_override_reason IS NOT NULL AND CASE WHEN quota_override_unlimited THEN quota_override_daily IS NULL ELSE coalesce(quota_override_daily >= 0, false) END)',
)
export class User {
  @PrimaryGeneratedColumn('identity', { type: 'integer', generatedIdentity: 'BY DEFAULT', primaryKeyConstraintName: 'users_pkey' })
  id: number;

  /** As typed; unique regardless of case. */
  @Column({ type: 'varchar', length: 255 })
  email: string;

  @Column({ name: 'password_hash', type: 'varchar', length: 255 })
  passwordHash: string;

  @Column({ type: 'varchar', length: 20, default: 'user' })
  role: Role;

  /** A deleted account is in no answer; its row goes when everything that hangs on it is gone. */
  @Column({ type: 'varchar', length: 20, default: 'active' })
  status: UserStatus | 'deleted';

  /** Access tokens carry it; raising it ends them all. */
  @Column({ name: 'token_version', type: 'integer', default: 0 })
  tokenVersion: number;

  /** IANA zone; null inherits the setting `quota.timeZone`. */
  @Column({ name: 'time_zone', type: 'varchar', length: 64, nullable: true })
  timeZone: string | null;

  @ForeignKey(() => Tier, 'name', { name: 'users_subscription_tier_fkey', onUpdate: 'CASCADE' })
  @Column({ name: 'subscription_tier', type: 'varchar', length: 50, default: 'free' })
  tier: string;

  /** A change of plan that waits for the next period, or for its date. */
  @ForeignKey(() => Tier, 'name', { name: 'users_next_subscription_tier_fkey', onUpdate: 'CASCADE' })
  @Column({ name: 'next_subscription_tier', type: 'varchar', length: 50, nullable: true })
  nextTier: string | null;

  /** The first day that it is in force, in the user's zone; null: that of the next period. Means nothing without `nextTier`. */
  @Column({ name: 'next_tier_from', type: 'date', nullable: true })
  nextTierFrom: string | null;

  /** Units a day from then on, copied from the tier and edited with it; means nothing without `nextTier`. */
  @Column({ name: 'next_quota_daily', type: 'integer', nullable: true })
  nextQuotaDaily: number | null;

  @Column({ name: 'next_quota_version', type: 'integer', default: 0 })
  nextQuotaVersion: number;

  @Column({ name: 'next_quota_unlimited', type: 'boolean', default: false })
  nextQuotaUnlimited: boolean;

  /** Units a day: the tier's, unless `quotaCustom`. */
  @Column({ name: 'api_quota_daily', type: 'integer', default: 5 })
  quotaDaily: number;

  @Column({ name: 'api_quota_unlimited', type: 'boolean', default: false })
  quotaUnlimited: boolean;

  /** The version of the tier that the number was copied from; a newer one counts in its place. */
  @Column({ name: 'api_quota_version', type: 'integer', default: 0 })
  quotaVersion: number;

  /** An operator set the number for this user: editing the tier leaves it alone. */
  @Column({ name: 'api_quota_custom', type: 'boolean', default: false })
  quotaCustom: boolean;

  /** Units charged and not refunded in the period of `quotaResetDate`. */
  @Column({ name: 'api_quota_used_today', type: 'integer', default: 0 })
  usedToday: number;

  @Column({ name: 'api_quota_refunded_today', type: 'integer', default: 0 })
  refundedToday: number;

  @Column({ name: 'api_quota_requests_today', type: 'integer', default: 0 })
  requestsToday: number;

  /** The local day that the counter belongs to. */
  @Column({ name: 'quota_reset_date', type: 'date', default: () => "(timezone('UTC', now()))" })
  quotaResetDate: string;

  /** The zone that the day was reckoned in; null: the one in force. Differs from it after a change of zone. */
  @Column({ name: 'quota_reset_zone', type: 'varchar', length: 64, nullable: true })
  quotaResetZone: string | null;

  /** 1 when a change of zone made a second period of the same name (PEP 495 names it so). */
  @Column({ name: 'quota_reset_fold', type: 'smallint', default: 0 })
  quotaResetFold: number;

  /** Whether a charge is to look at more than the counter, such as grants. May be true too long, and is never false too early. */
  @Column({ name: 'quota_forms', type: 'boolean', default: false })
  quotaForms: boolean;

  /** Units beyond the quota that were charged and not refunded in the period that the next two name; of any other period there are none. */
  @Column({ name: 'quota_overage_today', type: 'integer', default: 0 })
  overageToday: number;

  @Column({ name: 'quota_overage_date', type: 'date', nullable: true })
  overageDate: string | null;

  @Column({ name: 'quota_overage_fold', type: 'smallint', default: 0 })
  overageFold: number;

  /** Units that this user may have in flight, instead of the plan's number; null: as the plan has it. */
  @Column({ name: 'max_in_flight', type: 'integer', nullable: true })
  maxInFlight: number | null;

  @Column({ name: 'quota_override_daily', type: 'integer', nullable: true })
  overrideDaily: number | null;

  @Column({ name: 'quota_override_unlimited', type: 'boolean', default: false })
  overrideUnlimited: boolean;

  /** Null: no override. In the past: one that is over. */
  @Column({ name: 'quota_override_expires_at', type: 'timestamptz', nullable: true })
  overrideExpiresAt: Date | null;

  @Column({ name: 'quota_override_reason', type: 'text', nullable: true })
  overrideReason: string | null;

  @Column({ name: 'quota_override_author', type: 'integer', nullable: true })
  overrideAuthor: number | null;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt: Date;

  /** When the account last changed; charges do not count. */
  @Column({ name: 'updated_at', type: 'timestamptz', default: () => 'now()' })
  updatedAt: Date;
}
