import { setTimeout as delay } from 'node:timers/promises';

const PAUSE_MS = 20;
/** No attempt counts for more: what a busy machine adds to the time is not the service's. */
const ATTEMPT_MAX_MS = 3 * PAUSE_MS;

/**
 * Asks again until the attempt neither throws nor answers `false`, and returns what it answered; when the time is over, its last error
 * counts. The time is that of a machine with a processor to spare: a starved one is given as many attempts, not as many seconds.
 */
export async function eventually<T>(attempt: () => Promise<T> | T, withinMs = 10_000): Promise<T> {
  for (let spentMs = 0; ;) {
    const startedAt = performance.now();
    let failure: unknown;
    try {
      const answer = await attempt();
      if (answer !== false) return answer;
      failure = new Error(`still not so after ${withinMs} ms: ${String(attempt)}`);
    } catch (error) {
      failure = error;
    }
    if (spentMs > withinMs) throw failure;
    await delay(PAUSE_MS);
    spentMs += Math.min(performance.now() - startedAt, ATTEMPT_MAX_MS);
  }
}
