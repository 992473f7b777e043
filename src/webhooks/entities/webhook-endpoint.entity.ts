import { Check, Column, CreateDateColumn, Entity, ForeignKey, Index, PrimaryGeneratedColumn } from 'typeorm';
import { type SealedValue } from '../../settings/secret-box';

/** Why an endpoint is not delivered to: its owner's wish, its own (410), or five days of failures. */
export type DisabledReason = 'by-owner' | 'gone' | 'failing';

@Entity('webhook_endpoints')
@Index('webhook_endpoints_replay_idx', ['id'], { where: 'replay_position IS NOT NULL' })
@Check('webhook_endpoints_disabled_reason_check', `disabled_reason IN ('by-owner', 'gone', 'failing')`)
@Check('webhook_endpoints_enabled_check', `enabled = (disabled_reason IS NULL)`)
@Check('webhook_endpoints_events_check', `cardinality(events) > 0`)
export class WebhookEndpoint {
  @PrimaryGeneratedColumn('identity', { type: 'integer', generatedIdentity: 'BY DEFAULT', primaryKeyConstraintName: 'webhook_endpoints_pkey' })
  id: number;

  /** Whose events it is sent; null: everybody's, and it is the operator's. */
  @Index('webhook_endpoints_user_id_idx')
  @ForeignKey('User', { name: 'webhook_endpoints_user_id_fkey', onDelete: 'CASCADE' })
  @Column({ name: 'user_id', type: 'integer', nullable: true })
  userId: number | null;

  @Column({ type: 'varchar', length: 2_048 })
  url: string;

  /** Types, groups (`request.*`) or all (`*`). */
  @Column({ type: 'text', array: true })
  events: string[];

  /** Whether the events of one user are sent one after the other. */
  @Column({ type: 'boolean', default: false })
  ordered: boolean;

  @Column({ type: 'boolean', default: true })
  enabled: boolean;

  @Column({ name: 'disabled_reason', type: 'varchar', length: 20, nullable: true })
  disabledReason: DisabledReason | null;

  @Column({ type: 'varchar', length: 200, default: '' })
  description: string;

  /** The secret that signs, sealed. */
  @Column({ type: 'jsonb' })
  secret: SealedValue;

  /** The one before it, which signs too until `previousExpiresAt`. */
  @Column({ name: 'previous_secret', type: 'jsonb', nullable: true })
  previousSecret: SealedValue | null;

  @Column({ name: 'previous_expires_at', type: 'timestamptz', nullable: true })
  previousExpiresAt: Date | null;

  /** The first failure since an attempt went well; null: the last one did. */
  @Column({ name: 'failing_since', type: 'timestamptz', nullable: true })
  failingSince: Date | null;

  /** The threshold on the way to being disabled that its owner was informed of, in percent. */
  @Column({ name: 'failing_percent', type: 'smallint', default: 0 })
  failingPercent: number;

  /** The position that a replay has come to; null: there is none. */
  @Column({ name: 'replay_position', type: 'bigint', nullable: true })
  replayPosition: string | null;

  /** The last position of the replay. */
  @Column({ name: 'replay_end', type: 'bigint', nullable: true })
  replayEnd: string | null;

  @Column({ name: 'replay_since', type: 'timestamptz', nullable: true })
  replaySince: Date | null;

  @Column({ name: 'replay_until', type: 'timestamptz', nullable: true })
  replayUntil: Date | null;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt: Date;

  @Column({ name: 'updated_at', type: 'timestamptz', default: () => 'now()' })
  updatedAt: Date;
}
