import { Check, Column, CreateDateColumn, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

export type TokenPurpose = 'verify-email' | 'reset-password' | 'sign-in';

/** What was mailed to prove that whoever comes with it reads that mailbox, or shown to the first administrator at the first start. A token that was used has no row. */
@Entity('one_time_tokens')
@Index('one_time_tokens_user_id_purpose_created_at_idx', ['userId', 'purpose', 'createdAt'])
@Check('one_time_tokens_token_hash_check', 'octet_length(token_hash) = 32')
@Check('one_time_tokens_purpose_check', "purpose IN ('verify-email', 'reset-password', 'sign-in')")
export class OneTimeToken {
  /** SHA-256 of the token: what is stored opens nothing, and its index is asked for the hash of what came. */
  @PrimaryColumn({ name: 'token_hash', type: 'bytea', primaryKeyConstraintName: 'one_time_tokens_pkey' })
  tokenHash: Buffer;

  @ForeignKey('User', { name: 'one_time_tokens_user_id_fkey', onDelete: 'CASCADE' })
  @Column({ name: 'user_id', type: 'integer' })
  userId: number;

  @Column({ type: 'varchar', length: 20 })
  purpose: TokenPurpose;

  /** Where it was mailed to, as typed. */
  @Column({ type: 'varchar', length: 255 })
  email: string;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt: Date;

  @Index('one_time_tokens_expires_at_idx')
  @Column({ name: 'expires_at', type: 'timestamptz' })
  expiresAt: Date;
}
