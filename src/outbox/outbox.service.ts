import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { OutboxEvent } from './entities/outbox-event.entity';
import { type EventConsumer, type NewEvent } from './event-consumer';

/**
 * The outbox. Always true: an event commits with its change, or neither does; what is made of it (deliveries, mails) is made
 * afterwards, by consumers, so that a change costs the same whoever listens.
 */
@Injectable()
export class OutboxService {
  private readonly registered = new Map<string, EventConsumer>();
  private readonly handlers: (() => void)[] = [];
  /** Whether anybody listened to requests a second ago. */
  requestsAreFollowed = false;

  /**
   * Records an event in the caller's transaction. Record it after the change: then the rows that the change holds put the events of
   * one user in order.
   */
  async record(tx: EntityManager, { type, userId, data }: NewEvent): Promise<void> {
    await tx.insert(OutboxEvent, { type, userId, data });
    this.expect();
  }

  /** Makes a consumer known; modules do so while they are initialised. */
  register(consumer: EventConsumer): void {
    this.registered.set(consumer.name, consumer);
  }

  get consumers(): readonly EventConsumer[] {
    return [...this.registered.values()];
  }

  /** Events may be there soon: the relay of this process looks more often for a while. A hint, for speed alone. */
  expect(): void {
    for (const handler of this.handlers) handler();
  }

  /** The same where requests may have ended, which is so all the time: nothing when nobody listens to them. */
  expectRequests(): void {
    if (this.requestsAreFollowed) this.expect();
  }

  /** Calls the handler at each hint. */
  onExpected(handler: () => void): void {
    this.handlers.push(handler);
  }
}
