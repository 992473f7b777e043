import { Entity, Index, PrimaryColumn } from 'typeorm';

/** Somebody listens to events of a user: what nobody listens to is not recorded, where it is frequent. */
@Entity('event_listeners')
@Index('event_listeners_source_idx', ['source'])
@Index('event_listeners_type_idx', ['type'])
export class EventListener {
  /** Whose events; 0: everybody's. */
  @PrimaryColumn({ name: 'user_id', type: 'integer', primaryKeyConstraintName: 'event_listeners_pkey' })
  userId: number;

  /** A type, the types of a group (`request.*`), or all (`*`). */
  @PrimaryColumn({ type: 'varchar', length: 60, primaryKeyConstraintName: 'event_listeners_pkey' })
  type: string;

  /** Who listens, such as `endpoint:12`. */
  @PrimaryColumn({ type: 'varchar', length: 60, primaryKeyConstraintName: 'event_listeners_pkey' })
  source: string;
}
