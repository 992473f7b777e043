import { Logger } from '@nestjs/common';
import { type IdempotencyRepository, type Place } from './idempotency.repository';

/** How often a call that lasts renews its lease. A fraction of `DEAD_AFTER`. */
const ALIVE_EVERY_MS = 500;

/**
 * A call under way whose parts commit one by one, and its lease on the row. Always true: once another process took the row over, because
 * the lease was not renewed in time, what this one ends with is not kept. So of two that end, one answer stands.
 */
export class BegunCall {
  private readonly logger = new Logger(BegunCall.name);
  private readonly timer: NodeJS.Timeout;
  /** When the row was touched last, by this call. */
  private mark: string;
  private renewing: Promise<void> | undefined;

  constructor(
    private readonly repository: IdempotencyRepository,
    private readonly place: Place,
    mark: string,
  ) {
    this.mark = mark;
    this.timer = setInterval(() => void (this.renewing ??= this.renew()), ALIVE_EVERY_MS).unref();
  }

  /** Keeps its answer. */
  async finish(status: number, text: string): Promise<void> {
    await this.end();
    await this.repository.finish(this.place, this.mark, status, text);
  }

  /** Forgets it: it came to nothing that is kept. */
  async giveUp(): Promise<void> {
    await this.end();
    await this.repository.giveUp(this.place, this.mark);
  }

  private async end(): Promise<void> {
    clearInterval(this.timer);
    await this.renewing;
  }

  private async renew(): Promise<void> {
    try {
      this.mark = (await this.repository.renew(this.place, this.mark)) ?? this.mark;
    } catch (error) {
      this.logger.warn({ err: error }, 'a call under an Idempotency-Key did not renew its lease');
    } finally {
      this.renewing = undefined;
    }
  }
}
