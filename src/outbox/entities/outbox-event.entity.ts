import { Check, Column, CreateDateColumn, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';

/** Something that happened, recorded by the transaction that did it. */
@Entity('events')
@Index('events_unpublished_idx', ['id'], { where: 'position IS NULL' })
@Index('events_position_key', ['position'], { unique: true, where: 'position IS NOT NULL' })
@Index('events_user_id_position_idx', ['userId', 'position'], { where: 'position IS NOT NULL' })
@Index('events_type_position_idx', ['type', 'position'], { where: 'position IS NOT NULL' })
@Index('events_published_at_position_idx', ['publishedAt', 'position'], { where: 'published_at IS NOT NULL' })
@Check('events_position_check', '(position IS NULL) = (published_at IS NULL)')
export class OutboxEvent {
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS', primaryKeyConstraintName: 'events_pkey' })
  id: string;

  @Column({ type: 'varchar', length: 60 })
  type: string;

  /** Whom it is about; no foreign key, because the event of a removal outlives its user. Null: nobody. */
  @Column({ name: 'user_id', type: 'integer', nullable: true })
  userId: number | null;

  @Column({ type: 'jsonb' })
  data: object;

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt: Date;

  /** Its place in the order in which readers and consumers see events; null until the relay has seen it committed. */
  @Column({ type: 'bigint', nullable: true })
  position: string | null;

  /** When it was given its position: in the order of positions. */
  @Column({ name: 'published_at', type: 'timestamptz', nullable: true })
  publishedAt: Date | null;
}
