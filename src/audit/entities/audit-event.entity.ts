import { Check, Column, CreateDateColumn, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';
import { type Actor } from '../../common/principal';

@Entity('audit_events')
@Index('audit_events_target_kind_target_id_id_idx', ['targetKind', 'targetId', 'id'])
@Index('audit_events_created_at_idx', ['createdAt'])
@Index('audit_events_actor_id_id_idx', ['actorId', 'id'])
@Index('audit_events_action_id_idx', ['action', 'id'])
@Index('audit_events_actor_key_id_id_idx', ['actorKeyId', 'id'], { where: 'actor_key_id IS NOT NULL' })
@Check('audit_events_actor_kind_check', "actor_kind IN ('user', 'key', 'command', 'system')")
export class AuditEvent {
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS', primaryKeyConstraintName: 'audit_events_pkey' })
  id: string;

  @Column({ name: 'actor_id', type: 'integer', nullable: true })
  actorId: number | null;

  @Column({ name: 'actor_kind', type: 'varchar', length: 20 })
  actorKind: Actor['kind'];

  /** The API key that acted; null: none did. */
  @Column({ name: 'actor_key_id', type: 'integer', nullable: true })
  actorKeyId: number | null;

  @Column({ type: 'varchar', length: 60 })
  action: string;

  @Column({ name: 'target_kind', type: 'varchar', length: 40 })
  targetKind: string;

  @Column({ name: 'target_id', type: 'varchar', length: 120 })
  targetId: string;

  @Column({ type: 'jsonb', nullable: true })
  before: unknown;

  @Column({ type: 'jsonb', nullable: true })
  after: unknown;

  @Column({ type: 'text', nullable: true })
  reason: string | null;

  @Column({ name: 'request_id', type: 'varchar', length: 64, nullable: true })
  requestId: string | null;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt: Date;
}
