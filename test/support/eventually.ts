import { setTimeout as delay } from 'node:timers/promises';

const PAUSE_MS = 20;

/** Asks again until the attempt does not throw; after the deadline its last error counts. */
export async function eventually<T>(attempt: () => Promise<T>, withinMs = 5_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await delay(PAUSE_MS);
    }
  }
}
