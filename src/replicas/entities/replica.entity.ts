import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A process that serves, as it reports itself. */
@Entity('replicas')
export class Replica {
  /** Of its run: a process that is started again is another one. */
  @PrimaryColumn({ type: 'uuid', primaryKeyConstraintName: 'replicas_pkey' })
  id: string;

  /** Of its machine or container, and its process. */
  @Column({ type: 'text' })
  name: string;

  @Column({ type: 'text' })
  version: string;

  @Column({ name: 'started_at', type: 'timestamptz', default: () => 'now()' })
  startedAt: Date;

  @Column({ name: 'seen_at', type: 'timestamptz', default: () => 'now()' })
  seenAt: Date;
}
