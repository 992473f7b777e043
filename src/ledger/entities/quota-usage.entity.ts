import { Check, Column, CreateDateColumn, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

/** A closed day of one user. */
@Entity('quota_usage')
@Check('quota_usage_used_check', 'used >= 0')
@Check('quota_usage_refunded_check', 'refunded >= 0')
@Check('quota_usage_requests_check', 'requests >= 0')
export class QuotaUsage {
  @ForeignKey('User', { name: 'quota_usage_user_id_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn({ name: 'user_id', type: 'integer', primaryKeyConstraintName: 'quota_usage_pkey' })
  userId: number;

  @PrimaryColumn({ type: 'date', primaryKeyConstraintName: 'quota_usage_pkey' })
  date: string;

  /** Units; null for an unlimited day. */
  @Column({ type: 'integer', nullable: true })
  quota: number | null;

  /** Units charged and not refunded. */
  @Column({ type: 'integer' })
  used: number;

  @Column({ type: 'integer', default: 0 })
  refunded: number;

  /** Requests admitted. */
  @Column({ type: 'integer', default: 0 })
  requests: number;

  /** Of `used`, what was charged by requests that retention has removed from the ledger since. */
  @Column({ name: 'removed_used', type: 'integer', default: 0 })
  removedUsed: number;

  @Column({ name: 'removed_refunded', type: 'integer', default: 0 })
  removedRefunded: number;

  @Column({ name: 'removed_requests', type: 'integer', default: 0 })
  removedRequests: number;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt: Date;
}
