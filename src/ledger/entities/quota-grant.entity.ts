import { Check, Column, CreateDateColumn, Entity, ForeignKey, Index, PrimaryGeneratedColumn } from 'typeorm';

/** Units that a user has once, beside the day's own. Its row changes only under the lock of its user's, but for what retention notes. */
@Entity('quota_grants')
@Index('quota_grants_user_id_id_idx', ['userId', 'id'])
@Index('quota_grants_user_id_rolled_from_rolled_fold_key', ['userId', 'rolledFrom', 'rolledFold'], { unique: true })
@Index('quota_grants_expires_at_idx', ['expiresAt'], { where: 'rolled_from IS NOT NULL' })
@Check('quota_grants_units_check', 'units > 0')
@Check('quota_grants_used_check', 'used >= 0 AND used <= units')
@Check('quota_grants_removed_used_check', 'removed_used >= 0')
@Check('quota_grants_priority_check', 'priority >= 0 AND priority <= 1000')
export class QuotaGrant {
  @PrimaryGeneratedColumn('identity', { type: 'integer', generatedIdentity: 'ALWAYS', primaryKeyConstraintName: 'quota_grants_pkey' })
  id: number;

  @ForeignKey('User', { name: 'quota_grants_user_id_fkey', onDelete: 'CASCADE' })
  @Column({ name: 'user_id', type: 'integer' })
  userId: number;

  @Column({ type: 'integer' })
  units: number;

  /** Units drawn and not refunded. */
  @Column({ type: 'integer', default: 0 })
  used: number;

  /** Of `used`, what was drawn by requests that retention has removed from the ledger since. */
  @Column({ name: 'removed_used', type: 'integer', default: 0 })
  removedUsed: number;

  /** The smallest is drawn first; of equals the one that expires first, then the older one. */
  @Column({ type: 'smallint', default: 100 })
  priority: number;

  @Column({ type: 'text' })
  reason: string;

  /** The administrator who made it. */
  @Column({ type: 'integer', nullable: true })
  author: number | null;

  /** Null: never. */
  @Column({ name: 'expires_at', type: 'timestamptz', nullable: true })
  expiresAt: Date | null;

  @Column({ name: 'revoked_at', type: 'timestamptz', nullable: true })
  revokedAt: Date | null;

  /** The day whose unused units it has; null: somebody made it. No day is rolled over twice. */
  @Column({ name: 'rolled_from', type: 'date', nullable: true })
  rolledFrom: string | null;

  @Column({ name: 'rolled_fold', type: 'smallint', default: 0 })
  rolledFold: number;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt: Date;
}
