import { Column, Entity, PrimaryColumn } from 'typeorm';

/** How far a consumer of events has come. */
@Entity('event_cursors')
export class EventCursor {
  @PrimaryColumn({ type: 'varchar', length: 60, primaryKeyConstraintName: 'event_cursors_pkey' })
  name: string;

  /** Of the last event that it consumed. */
  @Column({ type: 'bigint' })
  position: string;

  /** Events that it was spared, because it failed with each of them for long. */
  @Column({ type: 'bigint', default: 0 })
  skipped: string;
}
