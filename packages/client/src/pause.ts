import { setTimeout as delay } from 'node:timers/promises';

/** The longest that a timer runs: it counts milliseconds in 31 bits, and one that is set for longer goes off at once. */
export const MAX_TIMER_MS = 2_147_483_647;

/** Resolves after that time, however long it is. @throws the signal's reason, which distinguishes a timeout from a change of mind */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  for (let leftMs = ms; leftMs > 0; leftMs -= MAX_TIMER_MS) {
    await delay(Math.min(leftMs, MAX_TIMER_MS), undefined, { signal }).catch(() => signal?.throwIfAborted());
  }
}
