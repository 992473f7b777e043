import { setTimeout as delay } from 'node:timers/promises';
import { isRolledBack, isTransient, sqlState } from '../common/database-errors';
import { UnavailableProblem } from '../common/problem';
import { type Outcome, type Transition } from './settlement.repository';

const BATCH = 128;
const QUEUE_LIMIT = 4_096;
const RETRIES = 3;

interface Waiting {
  transition: Transition;
  resolve: (outcome: Outcome) => void;
  reject: (error: unknown) => void;
}

/**
 * Sends transitions many in one statement, like admission does with charges: those that come in while a statement is under
 * way go together in the next. No two of a batch are of one request, and those of one keep their order.
 */
export class TransitionQueue {
  private waiting: Waiting[] = [];
  private busy = false;
  private scheduled = false;

  constructor(private readonly send: (transitions: readonly Transition[]) => Promise<Outcome[]>) {}

  /** @throws UnavailableProblem when too many wait, or the database does not answer */
  push(transition: Transition): Promise<Outcome> {
    if (this.waiting.length >= QUEUE_LIMIT) return Promise.reject(new UnavailableProblem('Too many transitions wait. Nothing was changed.'));
    return new Promise((resolve, reject) => {
      this.waiting.push({ transition, resolve, reject });
      this.schedule();
    });
  }

  private schedule(): void {
    if (this.busy || this.scheduled || this.waiting.length === 0) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.busy = true;
      void this.settle(this.take(), 0).finally(() => {
        this.busy = false;
        this.schedule();
      });
    });
  }

  private take(): Waiting[] {
    const batch = new Map<string, Waiting>();
    const rest: Waiting[] = [];
    for (const one of this.waiting) {
      const fits = batch.size < BATCH && !batch.has(one.transition.id);
      if (fits) batch.set(one.transition.id, one);
      else rest.push(one);
    }
    this.waiting = rest;
    return [...batch.values()];
  }

  /** Answers every transition of the batch; one that the database cannot take is found by halving. Never rejects. */
  private async settle(batch: Waiting[], attempt: number): Promise<void> {
    try {
      const outcomes = await this.send(batch.map(({ transition }) => transition));
      batch.forEach(({ resolve }, i) => resolve(outcomes[i] as Outcome));
    } catch (error) {
      if (isRolledBack(error) && attempt < RETRIES && /^(40001|40P01|55P03)$/.test(sqlState(error) ?? '')) {
        await delay(Math.random() * 20 * 2 ** attempt);
        return this.settle(batch, attempt + 1);
      }
      if (isRolledBack(error) && !isTransient(error) && batch.length > 1) {
        const half = batch.length >> 1;
        await this.settle(batch.slice(0, half), attempt);
        return this.settle(batch.slice(half), attempt);
      }
      for (const { reject } of batch) reject(error);
    }
  }
}
