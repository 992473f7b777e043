import { Logger } from '@nestjs/common';
import { isTransient } from '../common/database-errors';
import { type Transactions } from '../database/transactions';
import { type EventConsumer } from './event-consumer';
import { type RelayRepository } from './relay.repository';

/** Events that a consumer is handed at once. */
const BATCH = 500;
/** How often a single event is handed to a consumer that fails with it, before it is skipped: three seconds. */
const MAX_TRIES = 6;
const FIRST_PAUSE_MS = 100;

/**
 * Hands events to one consumer, in order. Always true: the cursor moves in the transaction of what the consumer wrote. A consumer that
 * fails holds up nobody but itself: what it fails with is handed to it event by event, so the one that is bad is found, and skipped
 * after a while; faults of the database that pass count for nothing.
 */
export class Feed {
  private readonly logger = new Logger(Feed.name);
  private size = BATCH;
  private tries = 0;
  private begun = false;

  constructor(
    readonly consumer: EventConsumer,
    private readonly repository: RelayRepository,
    private readonly transactions: Transactions,
  ) {}

  /** One batch. True: there may be more; a number: again in so many milliseconds. */
  async work(): Promise<boolean | number> {
    const { name } = this.consumer;
    if (!this.begun) await this.repository.begin([name]);
    this.begun = true;
    if ((await this.repository.due([name])).length === 0) return false;
    try {
      const count = await this.hand();
      if (count === 0) return false;
      this.tries = 0;
      this.size = Math.min(this.size * 2, BATCH);
      this.consumer.committed?.();
      return true;
    } catch (error) {
      if (isTransient(error)) throw error;
      return this.failed(error as Error);
    }
  }

  /** @returns how many events were consumed; 0: none, or another process is at it */
  private hand(): Promise<number> {
    return this.transactions.run(async (tx) => {
      const position = await this.repository.hold(tx, this.consumer.name);
      if (position === null) return 0;
      const events = await this.repository.after(tx, position, this.size);
      const last = events.at(-1);
      if (last === undefined) return 0;
      await this.consumer.consume(tx, events);
      await this.repository.advance(tx, this.consumer.name, last.position);
      return events.length;
    });
  }

  private async failed(error: Error): Promise<boolean | number> {
    if (this.size > 1) {
      this.logger.warn(`${this.consumer.name} is handed its events one by one: ${error.message}`);
      this.size = 1;
      return true;
    }
    this.tries++;
    if (this.tries < MAX_TRIES) return FIRST_PAUSE_MS * 2 ** (this.tries - 1);
    await this.skip(error);
    this.tries = 0;
    return true;
  }

  private async skip(error: Error): Promise<void> {
    await this.transactions.run(async (tx) => {
      const position = await this.repository.hold(tx, this.consumer.name);
      const [event] = position === null ? [] : await this.repository.after(tx, position, 1);
      if (event === undefined) return;
      await this.repository.advance(tx, this.consumer.name, event.position, 1);
      this.logger.error({ err: error }, `${this.consumer.name} was spared event ${event.id} (${event.type}), with which it failed ${MAX_TRIES} times`);
    });
  }
}
