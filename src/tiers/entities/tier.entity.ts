import { Check, Column, CreateDateColumn, Entity, PrimaryGeneratedColumn, Unique, UpdateDateColumn } from 'typeorm';

@Entity('subscription_tiers')
@Unique('subscription_tiers_name_key', ['name'])
@Check('subscription_tiers_daily_quota_check', 'CASE WHEN unlimited THEN daily_quota IS NULL ELSE coalesce(daily_quota >= 0, false) END')
@Check('subscription_tiers_burst_per_minute_check', 'burst_per_minute > 0')
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

  @Column({ name: 'sort_order', type: 'integer', default: 0 })
  sortOrder: number;

  @Column({ type: 'boolean', default: false })
  archived: boolean;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt: Date;

  @UpdateDateColumn({ name: 'updated_at', type: 'timestamptz', default: () => 'now()' })
  updatedAt: Date;
}
