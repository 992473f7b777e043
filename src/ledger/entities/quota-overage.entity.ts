import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

/** What of one period of a user went beyond the quota: units that were not refunded, and what a quota that is tried out would have refused. */
@Entity('quota_overage')
@Check('quota_overage_units_check', 'units >= 0')
@Check('quota_overage_removed_units_check', 'removed_units >= 0')
export class QuotaOverage {
  @ForeignKey('User', { name: 'quota_overage_user_id_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn({ name: 'user_id', type: 'integer', primaryKeyConstraintName: 'quota_overage_pkey' })
  userId: number;

  @PrimaryColumn({ type: 'date', primaryKeyConstraintName: 'quota_overage_pkey' })
  date: string;

  @PrimaryColumn({ type: 'smallint', default: 0, primaryKeyConstraintName: 'quota_overage_pkey' })
  fold: number;

  @Column({ type: 'integer' })
  units: number;

  /** Of these, what was drawn by requests that retention has removed from the ledger since. */
  @Column({ name: 'removed_units', type: 'integer', default: 0 })
  removedUnits: number;

  /** Requests that a quota which is tried out would have refused, whatever became of them. */
  @Column({ name: 'shadow_requests', type: 'integer', default: 0 })
  shadowRequests: number;

  @Column({ name: 'shadow_units', type: 'bigint', default: 0 })
  shadowUnits: string;
}
