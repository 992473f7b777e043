import { CronTime } from 'cron';

const MINUTE_MS = 60_000;
/** How far back to look for a tick, shortest first: most expressions tick often. */
const LOOKBACKS_MS = [MINUTE_MS, 60 * MINUTE_MS, 1_440 * MINUTE_MS, 44_640 * MINUTE_MS, 527_040 * MINUTE_MS];
/** More than six lists of all their values have; reading one costs time in proportion. */
const MAX_EXPRESSION_CHARS = 1_000;
/** Ticks are on whole seconds. */
const RESOLUTION_MS = 1_000;

/** When the expression ticks next after the instant, in the zone. @throws when it never does, or the zone is not known */
export function nextSlot(expression: string, zone: string, after: Date): Date {
  return new CronTime(expression, zone).getNextDateFrom(after, zone).toJSDate();
}

/** Whether it is an expression that ticks at all, which the 30th of February does not, in a zone that is known here. */
export function isSchedule(expression: unknown, zone: unknown = 'Etc/UTC'): boolean {
  if (typeof expression !== 'string' || typeof zone !== 'string' || expression.length > MAX_EXPRESSION_CHARS) return false;
  try {
    return !Number.isNaN(nextSlot(expression, zone, new Date()).getTime());
  } catch {
    return false;
  }
}

/** When the expression ticked last, at the instant or before it; null: not within a year. */
export function lastSlot(expression: string, zone: string, at: Date): Date | null {
  for (const lookback of LOOKBACKS_MS) {
    // The one millisecond: a tick exactly at the start of the window counts.
    const last = lastWithin(expression, zone, at.getTime() - lookback - 1, at);
    if (last !== null) return last;
  }
  return null;
}

/** By halving, so that an expression that ticks each second of one day costs no more than any other. */
function lastWithin(expression: string, zone: string, from: number, at: Date): Date | null {
  let last = nextSlot(expression, zone, new Date(from));
  if (last > at) return null;
  // Nothing ticks after `none`, up to `at`.
  for (let none = at.getTime(); none - last.getTime() >= RESOLUTION_MS;) {
    const middle = Math.floor((last.getTime() + none) / 2);
    const slot = nextSlot(expression, zone, new Date(middle));
    if (slot <= at) last = slot;
    else none = middle;
  }
  return last;
}
