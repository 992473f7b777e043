const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** The pauses before the second try, the third and so on. A server that is back is used soon; one that is not costs little. */
const PAUSES_MS = [10 * SECOND_MS, MINUTE_MS, 5 * MINUTE_MS, 30 * MINUTE_MS, 2 * HOUR_MS, 6 * HOUR_MS, 12 * HOUR_MS, 24 * HOUR_MS];

/** How long to wait after the try of this number failed; null: it was the last. */
export function pauseAfter(attempt: number): number | null {
  return PAUSES_MS[attempt - 1] ?? null;
}
