import { Check, Column, CreateDateColumn, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';

export const CHANGE_STATUSES = ['proposed', 'approved', 'applied', 'withdrawn', 'stale', 'failed'] as const;

/** `proposed` waits for an approval, `approved` for its instant; the others are final. */
export type ChangeStatus = (typeof CHANGE_STATUSES)[number];

/** A change of a system setting that was proposed on top of one version of it, and counts on top of that one only. */
@Entity('system_configuration_changes')
@Index('system_configuration_changes_key_id_idx', ['key', 'id'])
@Index('system_configuration_changes_effective_at_idx', ['effectiveAt'], { where: "status = 'approved'" })
@Check('system_configuration_changes_status_check', "status IN ('proposed', 'approved', 'applied', 'withdrawn', 'stale', 'failed')")
@Check('system_configuration_changes_four_eyes_check', 'approved_by <> author')
@Check('system_configuration_changes_approval_check', "NOT requires_approval OR approved_by IS NOT NULL OR status NOT IN ('approved', 'applied')")
export class SystemConfigurationChange {
  @PrimaryGeneratedColumn('identity', { type: 'integer', generatedIdentity: 'ALWAYS', primaryKeyConstraintName: 'system_configuration_changes_pkey' })
  id: number;

  @Column({ type: 'varchar', length: 100 })
  key: string;

  @Column({ name: 'base_version', type: 'integer' })
  baseVersion: number;

  /** What the setting is to be, as a version holds it; null: back to the default. Once the change has ended, without a secret's value. */
  @Column({ type: 'jsonb', nullable: true })
  content: Record<string, unknown> | null;

  @Column({ type: 'varchar', length: 20 })
  status: ChangeStatus;

  @Column({ name: 'requires_approval', type: 'boolean' })
  requiresApproval: boolean;

  /** Null: as soon as it may. */
  @Column({ name: 'effective_at', type: 'timestamptz', nullable: true })
  effectiveAt: Date | null;

  @Column({ type: 'text', nullable: true })
  reason: string | null;

  @Column({ type: 'integer' })
  author: number;

  @Column({ name: 'approved_by', type: 'integer', nullable: true })
  approvedBy: number | null;

  @Column({ name: 'approved_at', type: 'timestamptz', nullable: true })
  approvedAt: Date | null;

  /** Who withdrew it, or made the version that made it stale. */
  @Column({ name: 'ended_by', type: 'integer', nullable: true })
  endedBy: number | null;

  @Column({ name: 'ended_at', type: 'timestamptz', nullable: true })
  endedAt: Date | null;

  /** The version that it became. */
  @Column({ type: 'integer', nullable: true })
  version: number | null;

  /** Why it could not take effect. */
  @Column({ type: 'text', nullable: true })
  error: string | null;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt: Date;
}
