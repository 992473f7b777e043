import { Check, Column, Entity, ForeignKey, PrimaryColumn, Unique } from 'typeorm';

/** The secret that a key had before its last rotation, while both work. */
@Entity('api_key_overlaps')
@Unique('api_key_overlaps_key_hash_key', ['keyHash'])
@Check('api_key_overlaps_key_hash_check', 'octet_length(key_hash) = 32')
export class ApiKeyOverlap {
  @PrimaryColumn({ name: 'api_key_id', type: 'integer', primaryKeyConstraintName: 'api_key_overlaps_pkey' })
  @ForeignKey('ApiKey', { name: 'api_key_overlaps_api_key_id_fkey', onDelete: 'CASCADE' })
  apiKeyId: number;

  /** SHA-256 of the former secret. */
  @Column({ name: 'key_hash', type: 'bytea' })
  keyHash: Buffer;

  @Column({ name: 'expires_at', type: 'timestamptz' })
  expiresAt: Date;
}
