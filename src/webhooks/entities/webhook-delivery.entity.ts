import { Check, Column, CreateDateColumn, Entity, Index, PrimaryGeneratedColumn } from 'typeorm';

export type DeliveryStatus = 'waiting' | 'delivered' | 'failed';

/** One try to deliver, as it is kept. */
export interface DeliveryAttempt {
  /** When it began, in ISO 8601. */
  at: string;
  /** The HTTP status of the answer; null: there was none. */
  status: number | null;
  /** Why there was none: `timeout`, `connection-refused`, … */
  error: string | null;
  durationMs: number;
  /** The beginning of the answer's body. */
  answer: string;
}

@Entity('webhook_deliveries')
@Index('webhook_deliveries_endpoint_id_id_idx', ['endpointId', 'id'])
@Index('webhook_deliveries_due_idx', ['endpointId', 'dueAt'], { where: `status = 'waiting' AND NOT ordered` })
@Index('webhook_deliveries_heads_idx', ['endpointId', 'subject', 'id'], { where: `status = 'waiting' AND ordered` })
@Index('webhook_deliveries_failed_idx', ['endpointId', 'id'], { where: `status = 'failed'` })
@Check('webhook_deliveries_status_check', `status IN ('waiting', 'delivered', 'failed')`)
@Check('webhook_deliveries_finished_at_check', `(status = 'waiting') = (finished_at IS NULL)`)
export class WebhookDelivery {
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'BY DEFAULT', primaryKeyConstraintName: 'webhook_deliveries_pkey' })
  id: string;

  @Column({ name: 'endpoint_id', type: 'integer' })
  endpointId: number;

  @Column({ name: 'event_id', type: 'bigint' })
  eventId: string;

  @Column({ name: 'event_type', type: 'varchar', length: 60 })
  eventType: string;

  /** Whom the event is about; 0: nobody. */
  @Column({ type: 'integer' })
  subject: number;

  /** Whether it waits for the subject's deliveries before it. */
  @Column({ type: 'boolean' })
  ordered: boolean;

  @Column({ type: 'varchar', length: 20, default: 'waiting' })
  status: DeliveryStatus;

  /** Attempts that counted on the way through the retry plan. */
  @Column({ type: 'integer', default: 0 })
  tries: number;

  /** How often it was claimed: fences off whoever lost it. */
  @Column({ type: 'integer', default: 0 })
  claims: number;

  /** When it is tried next; while it is being tried, when that claim ends. */
  @Column({ name: 'due_at', type: 'timestamptz', default: () => 'now()' })
  dueAt: Date;

  @Column({ type: 'jsonb', default: () => `'[]'` })
  attempts: DeliveryAttempt[];

  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt: Date;

  @Column({ name: 'finished_at', type: 'timestamptz', nullable: true })
  finishedAt: Date | null;
}
