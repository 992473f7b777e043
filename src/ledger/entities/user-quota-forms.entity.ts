import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

/** How far a quota may be gone beyond, in a period. */
export interface Overage {
  /** Units; absent: as many as there are. */
  max?: number;
}

/** The rule in CHECKs: an object, whose `max` is a whole number if there is one. */
export const OVERAGE_CHECK = `overage IS NULL OR jsonb_typeof(overage) = 'object' AND CASE jsonb_typeof(overage -> 'max')
  WHEN 'number' THEN (overage ->> 'max')::numeric BETWEEN 0 AND 2147483647 AND (overage ->> 'max')::numeric % 1 = 0 ELSE overage -> 'max' IS NULL END`;

/** What holds for one user in place of what their plan has beside the daily quota. */
@Entity('user_quota_forms')
@Check('user_quota_forms_overage_check', OVERAGE_CHECK)
export class UserQuotaForms {
  @ForeignKey('User', { name: 'user_quota_forms_user_id_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn({ name: 'user_id', type: 'integer', primaryKeyConstraintName: 'user_quota_forms_pkey' })
  userId: number;

  /** Null: the plan's. A max of 0: none. */
  @Column({ type: 'jsonb', nullable: true })
  overage: Overage | null;

  @Column({ name: 'updated_at', type: 'timestamptz', default: () => 'now()' })
  updatedAt: Date;
}
