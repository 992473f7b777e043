import { CronTime } from 'cron';

const MINUTE_MS = 60_000;
/** How far back to look for a tick, shortest first, so that finding the last one never walks through many. */
const LOOKBACKS_MS = [MINUTE_MS, 60 * MINUTE_MS, 1_440 * MINUTE_MS, 44_640 * MINUTE_MS, 527_040 * MINUTE_MS];

/** When the expression ticks next after the instant, in the zone. */
export function nextSlot(expression: string, zone: string, after: Date): Date {
  return new CronTime(expression, zone).getNextDateFrom(after, zone).toJSDate();
}

/** When the expression ticked last, at the instant or before it; null: not within a year. */
export function lastSlot(expression: string, zone: string, at: Date): Date | null {
  for (const lookback of LOOKBACKS_MS) {
    let last: Date | null = null;
    // The one millisecond: a tick exactly at the start of the window counts.
    let slot = nextSlot(expression, zone, new Date(at.getTime() - lookback - 1));
    while (slot <= at) {
      last = slot;
      slot = nextSlot(expression, zone, slot);
    }
    if (last !== null) return last;
  }
  return null;
}
