import { Check, Column, CreateDateColumn, Entity, ForeignKey, PrimaryGeneratedColumn, Unique } from 'typeorm';

/** A user crossed a share of the daily quota, for the first time in that period. */
@Entity('quota_events')
@Unique('quota_events_user_id_date_fold_threshold_key', ['userId', 'date', 'fold', 'threshold'])
@Check('quota_events_threshold_check', 'threshold > 0 AND threshold <= 1')
export class QuotaEvent {
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS', primaryKeyConstraintName: 'quota_events_pkey' })
  id: string;

  @ForeignKey('User', { name: 'quota_events_user_id_fkey', onDelete: 'CASCADE' })
  @Column({ name: 'user_id', type: 'integer' })
  userId: number;

  @Column({ type: 'date' })
  date: string;

  @Column({ type: 'smallint', default: 0 })
  fold: number;

  @Column({ type: 'numeric', precision: 5, scale: 4 })
  threshold: string;

  @Column({ type: 'integer' })
  used: number;

  @Column({ type: 'integer' })
  quota: number;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt: Date;
}
