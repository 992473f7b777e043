import { eventId } from '../../outbox/event-id';
import { type RecordedEvent } from '../../outbox/event-consumer';

/** Something that happened. */
export class EventDto {
  /** Stable; also the `webhook-id` of its deliveries. */
  id: string;
  /** `<group>.<what>`, such as `request.succeeded`. */
  type: string;
  /** When the change was made. */
  timestamp: Date;
  /** Whom it is about; null: nobody. */
  userId: number | null;
  /** By type: see docs/events.md. */
  data: Record<string, unknown>;

  static of({ id, type, createdAt, userId, data }: RecordedEvent): EventDto {
    return { id: eventId(id), type, timestamp: createdAt, userId, data };
  }
}

export class EventPage {
  items: EventDto[];
  /** Null at the end; a page may hold fewer items than asked for, or none, and not be the end. */
  nextCursor: string | null;
}
