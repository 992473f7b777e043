import { Check, Column, CreateDateColumn, Entity, ForeignKey, Index, PrimaryGeneratedColumn, Unique } from 'typeorm';
import { type Scope } from '../../common/principal';

@Entity('api_keys')
@Unique('api_keys_key_hash_key', ['keyHash'])
@Check('api_keys_key_hash_check', 'octet_length(key_hash) = 32')
@Check('api_keys_daily_cap_check', 'daily_cap >= 0')
@Check('api_keys_cap_used_today_check', 'cap_used_today >= 0')
@Check(
  'api_keys_scopes_check',
  "scopes <@ ARRAY['requests:read', 'requests:write', 'quota:read', 'configurations:read', 'configurations:write', 'webhooks:read', 'webhooks:write', 'service', 'worker', 'admin']",
)
export class ApiKey {
  @PrimaryGeneratedColumn('identity', { type: 'integer', generatedIdentity: 'BY DEFAULT', primaryKeyConstraintName: 'api_keys_pkey' })
  id: number;

  @Index('api_keys_user_id_idx')
  @ForeignKey('User', { name: 'api_keys_user_id_fkey', onDelete: 'CASCADE' })
  @Column({ name: 'user_id', type: 'integer' })
  userId: number;

  @Column({ type: 'varchar', length: 100 })
  name: string;

  /** The first characters of the secret, to distinguish keys in a list. */
  @Column({ type: 'varchar', length: 20 })
  prefix: string;

  /** SHA-256 of the secret. */
  @Column({ name: 'key_hash', type: 'bytea' })
  keyHash: Buffer;

  @Column({ type: 'text', array: true })
  scopes: Scope[];

  /** Units a day that this key may spend of its user's pool; null: all of it. */
  @Column({ name: 'daily_cap', type: 'integer', nullable: true })
  dailyCap: number | null;

  @Column({ name: 'cap_used_today', type: 'integer', default: 0 })
  capUsedToday: number;

  /** The period that `capUsedToday` belongs to, like the user's. */
  @Column({ name: 'cap_reset_date', type: 'date', nullable: true })
  capResetDate: string | null;

  @Column({ name: 'cap_reset_fold', type: 'smallint', default: 0 })
  capResetFold: number;

  @Column({ name: 'expires_at', type: 'timestamptz', nullable: true })
  expiresAt: Date | null;

  /** Written in batches: up to half a minute late. */
  @Column({ name: 'last_used_at', type: 'timestamptz', nullable: true })
  lastUsedAt: Date | null;

  @Column({ name: 'revoked_at', type: 'timestamptz', nullable: true })
  revokedAt: Date | null;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt: Date;
}
