import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

/** Units of one period of a user that went beyond the quota, and were not refunded. */
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
}
