/** The pause after a slice, in shares of the time that the slice took: while nobody waits, and at most. */
const MIN_SHARE = 0.5;
const MAX_SHARE = 2;
const MORE = 1.25;
const LESS = 0.95;
/** However long charges take, no slower than this: a million rows in 50 s, where the database can. */
const ROW_MS = 0.05;
/** From this many times what a charge took before on, slices stand in its way. */
const NOTICEABLE = 1.3;

/** A slice is to take so long: a charge that waits for one waits no longer. */
const SLICE_MS = 5;
const MIN_ROWS = 100;
const MAX_ROWS = 500;

/**
 * How large the slices of a long piece of work are, and how long the database is left to the charges between two of them:
 * longer while charges take longer than before it began, within bounds, so that it always comes to its end.
 */
export class SlicePace {
  private share = MIN_SHARE;
  private rowsNow = 200;
  private calmMs: number | null;
  private readonly beganAt: number;
  private changed = 0;

  /** @param chargeMs how long a charge takes lately; null: there are none @param clock in milliseconds */
  constructor(
    private readonly chargeMs: () => number | null,
    private readonly clock: () => number = () => performance.now(),
  ) {
    this.calmMs = chargeMs();
    this.beganAt = clock();
  }

  /** Rows that a slice is to change at most. */
  get rows(): number {
    return this.rowsNow;
  }

  /** @returns the milliseconds to pause after a slice that took so long and changed so many rows */
  pauseAfter(spentMs: number, rows: number): number {
    this.changed += rows;
    if (rows >= MIN_ROWS / 2) this.rowsNow = Math.round(Math.min(MAX_ROWS, Math.max(MIN_ROWS, (this.rowsNow + (rows * SLICE_MS) / spentMs) / 2)));
    return spentMs * this.nextShare();
  }

  private nextShare(): number {
    const now = this.chargeMs();
    this.calmMs ??= now;
    const isNoticed = now !== null && this.calmMs !== null && now > this.calmMs * NOTICEABLE;
    this.share = Math.min(MAX_SHARE, Math.max(MIN_SHARE, this.share * (isNoticed ? MORE : LESS)));
    const isBehind = this.clock() - this.beganAt > this.changed * ROW_MS;
    return isBehind ? MIN_SHARE : this.share;
  }
}
