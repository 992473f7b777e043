import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { Request } from './request.entity';

/** How an attempt ended that did not end its request: its worker gave it back, or lost its lease. */
export type AttemptOutcome = 'returned' | 'lost';

/** An attempt before the last one, which the request's own row holds. */
@Entity('request_attempts')
@Check('request_attempts_attempt_check', 'attempt > 0')
@Check('request_attempts_outcome_check', "outcome IN ('returned', 'lost')")
export class RequestAttempt {
  @ForeignKey(() => Request, 'id', { name: 'request_attempts_request_id_fkey', onDelete: 'CASCADE' })
  @PrimaryColumn({ name: 'request_id', type: 'uuid', primaryKeyConstraintName: 'request_attempts_pkey' })
  requestId: string;

  @PrimaryColumn({ type: 'integer', primaryKeyConstraintName: 'request_attempts_pkey' })
  attempt: number;

  @Column({ type: 'varchar', length: 20 })
  outcome: AttemptOutcome;

  @Column({ type: 'jsonb', nullable: true })
  error: unknown;

  @Column({ name: 'started_at', type: 'timestamptz' })
  startedAt: Date;

  @Column({ name: 'ended_at', type: 'timestamptz', default: () => 'now()' })
  endedAt: Date;
}
