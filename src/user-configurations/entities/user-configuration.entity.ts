import { Check, Column, CreateDateColumn, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** One user's own value for one key. */
@Entity('user_configurations')
@Index('user_configurations_key_user_id_idx', ['key', 'userId'])
@Check('user_configurations_version_check', 'version > 0')
export class UserConfiguration {
  @ForeignKey('User', { name: 'user_configurations_user_id_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn({ name: 'user_id', type: 'integer', primaryKeyConstraintName: 'user_configurations_pkey' })
  userId: number;

  @PrimaryColumn({ type: 'varchar', length: 100, primaryKeyConstraintName: 'user_configurations_pkey' })
  key: string;

  @Column({ type: 'jsonb' })
  value: unknown;

  @Column({ type: 'integer', default: 1 })
  version: number;

  @Column({ name: 'updated_by', type: 'integer', nullable: true })
  updatedBy: number | null;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt: Date;

  @Column({ name: 'updated_at', type: 'timestamptz', default: () => 'now()' })
  updatedAt: Date;
}
