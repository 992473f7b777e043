import { type EntityManager } from 'typeorm';
import { type EventType } from './event-types';

/** What is to be recorded of a change. */
export interface NewEvent {
  type: EventType;
  /** Whom it is about; null: nobody. */
  userId: number | null;
  /** What the document of its type has in `data`: never a secret. */
  data: object;
}

/** An event as it is handed on: committed, and in its place. */
export interface RecordedEvent {
  /** Stable: the same in every delivery of it, and in `GET /v1/events`. */
  id: string;
  type: EventType;
  userId: number | null;
  data: Record<string, unknown>;
  /** When the change was made. */
  createdAt: Date;
  /** Grows in the order in which events became visible; of one user that is the order in which they followed each other. */
  position: string;
}

/** Who makes something of events: webhook deliveries, mails. Registered by `OutboxService.register`. */
export interface EventConsumer {
  /** Its cursor is kept under this name: never change it. */
  readonly name: string;
  /**
   * Writes what follows from the events, in the transaction that moves its cursor past them: each event is consumed once, in order.
   * What throws is handed on again later, one event at a time; one with which it fails for long is skipped.
   *
   * @param tx the only way to write; may be rolled back
   * @param events never empty, in ascending order of `position`
   */
  consume(tx: EntityManager, events: readonly RecordedEvent[]): Promise<void>;
  /** Called when such a transaction is committed, in the process that did it: what was written may be worked on at once. */
  committed?(): void;
}
