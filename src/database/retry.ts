import { setTimeout as delay } from 'node:timers/promises';
import { isConflict } from '../common/database-errors';

const ATTEMPTS = 6;
const FIRST_WAIT_MS = 10;
/** No attempt begins later: a caller waits for one long attempt, never for a row of them. */
const BUDGET_MS = 2_000;

/**
 * Does the work again while the database reports that it was rolled back because of somebody else's, with a growing, random
 * wait. The one place where that is decided.
 *
 * @param work must leave nothing behind but what is rolled back
 * @param passes whether the failure is one that another attempt gets past
 */
export async function retried<T>(work: () => Promise<T>, passes: (error: unknown) => boolean = isConflict): Promise<T> {
  const startedAt = performance.now();
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === ATTEMPTS || performance.now() - startedAt > BUDGET_MS || !passes(error)) throw error;
      await delay(Math.random() * FIRST_WAIT_MS * 2 ** attempt);
    }
  }
}
