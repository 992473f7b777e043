import { Check, Column, Entity, PrimaryColumn } from 'typeorm';

/** A day of users who were deleted since: what they used together, and nothing of whom. */
@Entity('removed_usage')
@Check('removed_usage_users_check', 'users > 0')
@Check('removed_usage_sums_check', 'requests >= 0 AND used >= 0 AND refunded >= 0')
export class RemovedUsage {
  @PrimaryColumn({ type: 'date', primaryKeyConstraintName: 'removed_usage_pkey' })
  date: string;

  /** Days of users, so to speak: who was deleted in the course of a day counts for it too. */
  @Column({ type: 'integer' })
  users: number;

  /** Requests admitted. */
  @Column({ type: 'bigint' })
  requests: string;

  /** Units charged and not refunded. */
  @Column({ type: 'bigint' })
  used: string;

  @Column({ type: 'bigint' })
  refunded: string;
}
