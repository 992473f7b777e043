/** How much of the mean a new value is. */
const WEIGHT = 1 / 32;
const STALE_MS = 1_000;

/** The mean of what was measured lately: each value counts less with every one that comes after it. */
export class RecentMean {
  private mean = 0;
  private addedAt = -Infinity;

  add(value: number): void {
    this.mean = this.value === null ? value : this.mean + (value - this.mean) * WEIGHT;
    this.addedAt = performance.now();
  }

  /** Null: nothing was added in the last second. */
  get value(): number | null {
    return performance.now() - this.addedAt > STALE_MS ? null : this.mean;
  }
}
