import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Environment } from '../config/environment';
import { EndingsService } from '../requests/endings.service';
import { HoldsRepository } from './holds.repository';

const EVERY_MS = 1_000;
const BATCH = 200;

/**
 * Ends reservations whose lease has run out: they succeed at full cost, which was charged when they were made. Any number
 * of replicas may do so at once, because the first word that ends a request stands; what is late is late by the turn of a
 * timer, and a word on it is refused meanwhile.
 */
@Injectable()
export class HoldExpiryService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(HoldExpiryService.name);
  private timer: NodeJS.Timeout | undefined;
  private underWay: Promise<unknown> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly repository: HoldsRepository,
    private readonly endings: EndingsService,
    private readonly environment: Environment,
  ) {}

  onApplicationBootstrap(): void {
    if (this.environment.SCHEDULER_ENABLED) this.next();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.underWay;
  }

  /** Ends what is overdue now. @returns how many */
  async expire(): Promise<number> {
    let ended = 0;
    for (let ids; (ids = await this.repository.overdue(BATCH)).length > 0;) {
      const done = await this.endings.sweep(ids);
      ended += done;
      if (ids.length < BATCH || done === 0) break;
    }
    return ended;
  }

  private next(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.underWay = this.expire()
        .catch((error: Error) => this.logger.warn(`reservations were not ended: ${error.message}`))
        .finally(() => this.next());
    }, EVERY_MS).unref();
  }
}
