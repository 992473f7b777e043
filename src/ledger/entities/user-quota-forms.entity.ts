import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

/** How far a quota may be gone beyond, in a period. */
export interface Overage {
  /** Units; absent: as many as there are. */
  max?: number;
}

/** The rule in CHECKs: an object, whose `max` is a whole number if there is one. */
export const OVERAGE_CHECK = `overage IS NULL OR jsonb_typeof(overage) = 'object' AND CASE jsonb_typeof(overage -> 'max')
  WHEN 'number' THEN (overage ->> 'max')::numeric BETWEEN 0 AND 2147483647 AND (overage ->> 'max')::numeric % 1 = 0 ELSE overage -> 'max' IS NULL END`;

/** What of a day's unused units its user keeps. */
export interface Rollover {
  /** Units of one day, at most; absent: all of them. */
  max?: number;
  /** Of the unused units, above 0 and up to 1; absent: all of them. */
  share?: number;
  /** For how many days after that day, 1 to 31. */
  days: number;
}

/** The rule in CHECKs. */
export const ROLLOVER_CHECK = `rollover IS NULL OR CASE WHEN jsonb_typeof(rollover -> 'days') = 'number' THEN (rollover ->> 'days')::numeric BETWEEN 1 AND 31 AND (rollover ->> 'days')::numeric % 1 = 0 ELSE false END
  AND CASE jsonb_typeof(rollover -> 'max') WHEN 'number' THEN (rollover ->> 'max')::numeric BETWEEN 1 AND 2147483647 AND (rollover ->> 'max')::numeric % 1 = 0 ELSE rollover -> 'max' IS NULL END
  AND CASE jsonb_typeof(rollover -> 'share') WHEN 'number' THEN (rollover ->> 'share')::numeric > 0 AND (rollover ->> 'share')::numeric <= 1 ELSE rollover -> 'share' IS NULL END`;

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

  /** Whether the quota is tried out: what it would refuse is admitted and counted. Null: as the plan has it. */
  @Column({ type: 'boolean', nullable: true })
  shadow: boolean | null;

  @Column({ name: 'updated_at', type: 'timestamptz', default: () => 'now()' })
  updatedAt: Date;
}
