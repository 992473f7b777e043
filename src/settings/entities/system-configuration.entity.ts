import { Check, Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

export type Visibility = 'public' | 'internal' | 'secret';

/** A system setting that was written: an operator's own, or the changed value of one that the code declares. */
@Entity('system_configurations')
@Check('system_configurations_key_check', "key <> ''")
@Check('system_configurations_visibility_check', "visibility IN ('public', 'internal', 'secret')")
@Check('system_configurations_version_check', 'version > 0')
export class SystemConfiguration {
  @PrimaryColumn({ type: 'varchar', length: 100, primaryKeyConstraintName: 'system_configurations_pkey' })
  key: string;

  @Column({ type: 'jsonb' })
  value: unknown;

  @Column({ type: 'jsonb', nullable: true })
  schema: unknown;

  @Column({ type: 'text', default: '' })
  description: string;

  @Column({ type: 'varchar', length: 40, nullable: true })
  unit: string | null;

  @Column({ type: 'varchar', length: 20, default: 'internal' })
  visibility: Visibility;

  @Column({ type: 'boolean', default: false })
  overridable: boolean;

  @Column({ type: 'jsonb', nullable: true })
  bounds: unknown;

  @Column({ type: 'integer', default: 1 })
  version: number;

  @Column({ name: 'updated_by', type: 'integer', nullable: true })
  updatedBy: number | null;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt: Date;

  @Column({ name: 'updated_at', type: 'timestamptz', default: () => 'now()' })
  updatedAt: Date;
}
