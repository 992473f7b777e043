import { Check, Column, CreateDateColumn, Entity, ForeignKey, Index, PrimaryGeneratedColumn, Unique } from 'typeorm';

/** A login that goes on by refresh tokens: one row, however often it was refreshed. A session that ended has none. */
@Entity('sessions')
@Unique('sessions_lineage_hash_key', ['lineageHash'])
@Index('sessions_user_id_id_idx', ['userId', 'id'])
@Check('sessions_lineage_hash_check', 'octet_length(lineage_hash) = 32')
@Check('sessions_token_hash_check', 'octet_length(token_hash) = 32')
export class Session {
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS', primaryKeyConstraintName: 'sessions_pkey' })
  id: string;

  @ForeignKey('User', { name: 'sessions_user_id_fkey', onDelete: 'CASCADE' })
  @Column({ name: 'user_id', type: 'integer' })
  userId: number;

  /** The user's when it began: a password change or suspension raises that one, and ends this. */
  @Column({ name: 'token_version', type: 'integer' })
  tokenVersion: number;

  /** SHA-256 of what all refresh tokens of the session share. */
  @Column({ name: 'lineage_hash', type: 'bytea' })
  lineageHash: Buffer;

  /** SHA-256 of the one refresh token that works. */
  @Column({ name: 'token_hash', type: 'bytea' })
  tokenHash: Buffer;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt: Date;

  @Column({ name: 'last_used_at', type: 'timestamptz', default: () => 'now()' })
  lastUsedAt: Date;

  /** Where it was begun or refreshed last, and by which program; null: not known. */
  @Column({ type: 'varchar', length: 45, nullable: true })
  address: string | null;

  @Column({ name: 'user_agent', type: 'varchar', length: 300, nullable: true })
  userAgent: string | null;

  @Index('sessions_expires_at_idx')
  @Column({ name: 'expires_at', type: 'timestamptz' })
  expiresAt: Date;
}
