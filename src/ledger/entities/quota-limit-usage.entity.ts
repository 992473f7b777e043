import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

export const LIMIT_PERIODS = ['minute', 'hour', 'day', 'week', 'month'] as const;
export type LimitPeriod = (typeof LIMIT_PERIODS)[number];

/** Units that a plan allows in a period, beside its daily quota. */
export interface Limit {
  name: string;
  period: LimitPeriod;
  units: number;
  /** Of requests that it counts; absent: all. */
  types?: string[];
}

/** The counter of one limit of one user in one period: what was charged in it and not refunded. A request names those that it was charged to. */
@Entity('quota_limit_usage')
@Index('quota_limit_usage_ends_at_idx', ['endsAt'])
@Check('quota_limit_usage_period_check', "period IN ('minute', 'hour', 'day', 'week', 'month')")
@Check('quota_limit_usage_ends_at_check', `ends_at > starts_at AND starts_at >= '1970-01-01Z' AND ends_at <= '9999-12-31Z'`)
@Check('quota_limit_usage_used_check', 'used >= 0')
@Check('quota_limit_usage_removed_used_check', 'removed_used >= 0')
export class QuotaLimitUsage {
  @ForeignKey('User', { name: 'quota_limit_usage_user_id_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn({ name: 'user_id', type: 'integer', primaryKeyConstraintName: 'quota_limit_usage_pkey' })
  userId: number;

  @PrimaryColumn({ type: 'varchar', length: 30, primaryKeyConstraintName: 'quota_limit_usage_pkey' })
  name: string;

  @PrimaryColumn({ type: 'varchar', length: 10, primaryKeyConstraintName: 'quota_limit_usage_pkey' })
  period: LimitPeriod;

  @PrimaryColumn({ name: 'starts_at', type: 'timestamptz', primaryKeyConstraintName: 'quota_limit_usage_pkey' })
  startsAt: Date;

  @Column({ name: 'ends_at', type: 'timestamptz' })
  endsAt: Date;

  @Column({ type: 'integer' })
  used: number;

  /** Of these, what requests were charged that retention has removed from the ledger since. */
  @Column({ name: 'removed_used', type: 'integer', default: 0 })
  removedUsed: number;
}
