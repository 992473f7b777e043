import { Column, CreateDateColumn, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

@Entity('user_configuration_versions')
export class UserConfigurationVersion {
  @ForeignKey('User', { name: 'user_configuration_versions_user_id_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn({ name: 'user_id', type: 'integer', primaryKeyConstraintName: 'user_configuration_versions_pkey' })
  userId: number;

  @PrimaryColumn({ type: 'varchar', length: 100, primaryKeyConstraintName: 'user_configuration_versions_pkey' })
  key: string;

  @PrimaryColumn({ type: 'integer', primaryKeyConstraintName: 'user_configuration_versions_pkey' })
  version: number;

  /** What the value was from this version on; null: back to the inherited one. */
  @Column({ type: 'jsonb', nullable: true })
  content: Record<string, unknown> | null;

  @Column({ type: 'integer', nullable: true })
  author: number | null;

  @Column({ type: 'text', nullable: true })
  reason: string | null;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt: Date;
}
