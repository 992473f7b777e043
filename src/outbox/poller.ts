import { Logger } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';

export interface PollerOptions {
  /** For the log. */
  name: string;
  /** Does what is due. True: there may be more at once; a number: look again after so many milliseconds, whatever hints come. */
  work: () => Promise<boolean | number>;
  /** How soon it looks again after a hint, in milliseconds; then twice as late each time. Default: 10. */
  minMs?: number;
  /** How long it waits when nothing hints at work. Default: 1,000. */
  maxMs?: number;
}

/** Looks for work by itself: often while there is some or a hint promises it, seldom otherwise. One look at a time. */
export class Poller {
  private readonly logger = new Logger(Poller.name);
  private readonly minMs: number;
  private readonly maxMs: number;
  private pauseMs: number;
  private wakeUp = new AbortController();
  private readonly ending = new AbortController();
  private running: Promise<void> | null = null;

  constructor(private readonly options: PollerOptions) {
    this.minMs = options.minMs ?? 10;
    this.maxMs = options.maxMs ?? 1_000;
    this.pauseMs = this.minMs;
  }

  start(): void {
    this.running ??= this.run();
  }

  /** There may be work now, or in a moment. */
  hint(): void {
    this.pauseMs = this.minMs;
    this.wakeUp.abort();
  }

  /** Begins no look any more; resolves when the one under way has ended. */
  async stop(): Promise<void> {
    this.ending.abort();
    this.wakeUp.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.ending.signal.aborted) {
      this.wakeUp = new AbortController();
      const found = await this.options.work().catch((error: Error) => {
        this.logger.warn(`${this.options.name} goes on later: ${error.message}`);
        return this.maxMs;
      });
      if (found !== false) this.pauseMs = this.minMs;
      if (found === true) continue;
      if (found === false) await this.pauseUntilHint(this.nextPause());
      else await delay(found, undefined, { ref: false, signal: this.ending.signal }).catch(() => undefined);
    }
  }

  private nextPause(): number {
    const pauseMs = this.pauseMs;
    this.pauseMs = Math.min(pauseMs * 2, this.maxMs);
    return pauseMs;
  }

  /** A hint ends it, but never before the shortest pause: hints that come all the time do not make it look all the time. */
  private async pauseUntilHint(ms: number): Promise<void> {
    const { signal } = this.wakeUp;
    await delay(Math.min(ms, this.minMs), undefined, { ref: false });
    if (this.ending.signal.aborted || signal.aborted || ms <= this.minMs) return;
    await delay(ms - this.minMs, undefined, { ref: false, signal }).catch(() => undefined);
  }
}
