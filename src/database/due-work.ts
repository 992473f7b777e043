import { Logger } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';

export interface DueWorkOptions<Item> {
  /** What it is, for the log: `mails`. */
  name: string;
  /** Items that are handled at a time in this process. */
  atOnce: number;
  /** Milliseconds between two looks when nobody wakes it. */
  everyMs: number;
  /** Claims at most so many items that are due, by `FOR UPDATE SKIP LOCKED` and under a lease: what a process that dies leaves is due again. */
  claim: (max: number) => Promise<Item[]>;
  /** Handles one, and writes what became of it. `stop` is aborted when the process ends and it took too long. */
  handle: (item: Item, stop: AbortSignal) => Promise<void>;
}

/**
 * Work that lies in a table until it is due, shared by all replicas. Always true: no more than `atOnce` are under way here, one that
 * is slow holds nothing but its own place, and a failure of the database costs a look, not the loop.
 */
export class DueWork<Item> {
  private readonly logger = new Logger(DueWork.name);
  private readonly underWay = new Set<Promise<void>>();
  private readonly aborted = new AbortController();
  private looking = false;
  private wokenMeanwhile = false;
  private stopped = true;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: DueWorkOptions<Item>) {}

  start(): void {
    this.stopped = false;
    this.timer = setInterval(() => this.wake(), this.options.everyMs).unref();
    this.wake();
  }

  /** Looks for what is due, now: a hint that may come for nothing. */
  wake(): void {
    if (this.stopped) return;
    if (this.looking) this.wokenMeanwhile = true;
    else void this.look();
  }

  /** Claims no more, and waits for what is under way; after `graceMs` that is asked to stop. */
  async stop(graceMs: number): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    const ended = () => Promise.all(this.underWay);
    await Promise.race([ended(), delay(graceMs, undefined, { ref: false })]);
    this.aborted.abort();
    await ended();
  }

  private async look(): Promise<void> {
    this.looking = true;
    try {
      do {
        this.wokenMeanwhile = false;
        await this.fill();
      } while (this.wokenMeanwhile && !this.stopped);
    } catch (error) {
      this.logger.debug(`${this.options.name}: not looked for what is due: ${(error as Error).message}`);
    } finally {
      this.looking = false;
    }
  }

  private async fill(): Promise<void> {
    const free = this.options.atOnce - this.underWay.size;
    if (free <= 0) return;
    const items = await this.options.claim(free);
    for (const item of items) this.begin(item);
  }

  private begin(item: Item): void {
    const work = this.options
      .handle(item, this.aborted.signal)
      .catch((error: unknown) => this.logger.warn(`${this.options.name}: ${(error as Error).message}`))
      .finally(() => {
        this.underWay.delete(work);
        // There is room for another one, and what came while there was none was not claimed.
        this.wake();
      });
    this.underWay.add(work);
  }
}
