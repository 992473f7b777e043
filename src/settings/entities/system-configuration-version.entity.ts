import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

@Entity('system_configuration_versions')
export class SystemConfigurationVersion {
  @PrimaryColumn({ type: 'varchar', length: 100, primaryKeyConstraintName: 'system_configuration_versions_pkey' })
  key: string;

  @PrimaryColumn({ type: 'integer', primaryKeyConstraintName: 'system_configuration_versions_pkey' })
  version: number;

  /** What the setting was from this version on; null: back to the default. */
  @Column({ type: 'jsonb', nullable: true })
  content: Record<string, unknown> | null;

  @Column({ type: 'integer', nullable: true })
  author: number | null;

  @Column({ type: 'text', nullable: true })
  reason: string | null;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt: Date;
}
