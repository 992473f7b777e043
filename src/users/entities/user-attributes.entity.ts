import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique } from 'typeorm';

/** What operators keep beside an account: not in its own row, which every charge writes anew. A user without any has no row. */
@Entity('user_attributes')
@Unique('user_attributes_external_id_key', ['externalId'])
@Index('user_attributes_metadata_idx', { synchronize: false })
@Check('user_attributes_external_id_check', "external_id <> ''")
@Check(
  'user_attributes_metadata_check',
  "jsonb_typeof(metadata) = 'object' AND octet_length(metadata::text) <= 12288 AND jsonb_array_length(jsonb_path_query_array(metadata, '$.keyvalue()')) <= 50",
)
export class UserAttributes {
  @ForeignKey('User', { name: 'user_attributes_user_id_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn({ name: 'user_id', type: 'integer', primaryKeyConstraintName: 'user_attributes_pkey' })
  userId: number;

  /** What the operator's own system calls the user. */
  @Column({ name: 'external_id', type: 'varchar', length: 255, nullable: true })
  externalId: string | null;

  @Column({ type: 'jsonb', default: {} })
  metadata: Record<string, unknown>;
}
