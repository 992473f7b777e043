import { eventId } from '../../outbox/event-id';
import { type DeliveryAttempt, type DeliveryStatus, type WebhookDelivery } from '../entities/webhook-delivery.entity';

export class DeliveryAttemptDto {
  /** When it began. */
  at: Date;
  /** The HTTP status of the answer; null: there was none. */
  status: number | null;
  /** Why there was none, such as `timeout`, `connection-refused`, `name-not-resolved` or `address-not-allowed`. */
  error: string | null;
  durationMs: number;
  /** The beginning of the answer's body, 2 kB at most. */
  answer: string;

  static of({ at, ...rest }: DeliveryAttempt): DeliveryAttemptDto {
    return { at: new Date(at), ...rest };
  }
}

export class WebhookDeliveryDto {
  id: string;
  endpointId: number;
  /** The event's; it is sent as `webhook-id`. */
  eventId: string;
  type: string;
  /** Whom the event is about; null: nobody. */
  userId: number | null;
  /** `waiting`: it is tried when `nextAttemptAt` comes, while its endpoint is enabled. */
  status: DeliveryStatus;
  /** How far it has come on the plan of tries. */
  tries: number;
  nextAttemptAt: Date | null;
  createdAt: Date;
  finishedAt: Date | null;
  /** What the last attempt was answered; null: there was none yet. */
  lastStatus: number | null;
  /** Why the last attempt was not answered. */
  lastError: string | null;

  static of({
    id,
    endpointId,
    eventId: event,
    eventType,
    subject,
    status,
    tries,
    dueAt,
    createdAt,
    finishedAt,
    attempts,
  }: WebhookDelivery): WebhookDeliveryDto {
    const last = attempts.at(-1);
    return {
      id,
      endpointId,
      eventId: eventId(event),
      type: eventType,
      userId: subject === 0 ? null : subject,
      status,
      tries,
      nextAttemptAt: status === 'waiting' ? dueAt : null,
      createdAt,
      finishedAt,
      lastStatus: last?.status ?? null,
      lastError: last?.error ?? null,
    };
  }
}

export class WebhookDeliveryDetailsDto extends WebhookDeliveryDto {
  /** Every attempt, the oldest first; of very many the latest. */
  attempts: DeliveryAttemptDto[];

  static override of(delivery: WebhookDelivery): WebhookDeliveryDetailsDto {
    return { ...WebhookDeliveryDto.of(delivery), attempts: delivery.attempts.map(DeliveryAttemptDto.of) };
  }
}

export class WebhookDeliveryPage {
  items: WebhookDeliveryDto[];
  /** Null at the end. */
  nextCursor: string | null;
}
