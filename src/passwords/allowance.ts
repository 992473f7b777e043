import { BoundedCache } from '../common/bounded-cache';

export interface AllowanceOptions {
  /** As many at once. */
  burst: number;
  /** One more each so many milliseconds. */
  everyMs: number;
}

/** Keys that are remembered: those that were used longest ago are forgotten, so the memory is bounded whoever calls. */
const MAX_KEYS = 20_000;

/** How often something may happen under a key, in this process's memory: a bucket that refills steadily, kept as the instant at which it is full again. */
export class Allowance {
  private readonly fullAt = new BoundedCache<string, number>(MAX_KEYS);

  constructor(private readonly options: AllowanceOptions) {}

  /** Takes one. Returns 0, or, when there is none, the milliseconds until there is one. */
  spend(key: string, now = performance.now()): number {
    const { burst, everyMs } = this.options;
    const fullAt = Math.max(now, this.fullAt.get(key) ?? now);
    const waitMs = fullAt - now - (burst - 1) * everyMs;
    if (waitMs > 0) return waitMs;
    this.fullAt.set(key, fullAt + everyMs);
    return 0;
  }

  giveBack(key: string): void {
    const fullAt = this.fullAt.get(key);
    if (fullAt !== undefined) this.fullAt.set(key, fullAt - this.options.everyMs);
  }

  /** Counts one more, be there one or not; never more than a burst. Returns how many are used. */
  add(key: string, now = performance.now()): number {
    this.spend(key, now);
    return this.used(key, now);
  }

  /** How many are taken and did not come back yet. */
  used(key: string, now = performance.now()): number {
    return Math.max(0, Math.ceil(((this.fullAt.peek(key) ?? now) - now) / this.options.everyMs));
  }
}
