import { Injectable } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { IdempotencyKeyInUse } from './idempotency.errors';
import { type IdempotentCall } from './idempotency-key';

/** How long a call waits for the first one under its key. */
const WAIT_MS = 5_000;
/** How often is looked for the answer when the first one runs in another process. */
const LOOK_EVERY_MS = 100;
const MAX_WAITERS_OF_SUBJECT = 100;

/**
 * Calls under one Idempotency-Key, one after the other in this process: who comes while the first runs waits for it without
 * a connection to the database, and a bounded number of each user's do.
 */
@Injectable()
export class RunningCalls {
  private readonly running = new Map<string, Promise<unknown>>();
  private readonly waiters = new Map<string, number>();

  /**
   * @param attempt resolves to null while another process runs a call under the key
   * @param replay ends with the stored answer, if there is one
   * @throws IdempotencyKeyInUse when the first call takes too long, or too many of the user's wait
   */
  async once<T>({ subject, scope, key }: IdempotentCall, attempt: () => Promise<T | null>, replay: () => Promise<void>): Promise<T> {
    const name = JSON.stringify([subject, scope, key]);
    const deadline = performance.now() + WAIT_MS;
    for (;;) {
      const first = this.running.get(name);
      const made = first === undefined ? await this.run(name, attempt) : null;
      if (made !== null) return made;
      await this.wait(subject, Math.min(deadline - performance.now(), first ? Infinity : LOOK_EVERY_MS), first);
      await replay();
    }
  }

  private async run<T>(name: string, attempt: () => Promise<T>): Promise<T> {
    const mine = attempt();
    this.running.set(
      name,
      mine.catch(() => undefined),
    );
    try {
      return await mine;
    } finally {
      this.running.delete(name);
    }
  }

  private async wait(subject: string, forMs: number, first: Promise<unknown> | undefined): Promise<void> {
    const others = this.waiters.get(subject) ?? 0;
    if (forMs <= 0 || others >= MAX_WAITERS_OF_SUBJECT) throw new IdempotencyKeyInUse();
    this.waiters.set(subject, others + 1);
    const over = new AbortController();
    try {
      await Promise.race([first ?? new Promise(() => undefined), delay(forMs, null, { signal: over.signal, ref: false }).catch(() => undefined)]);
    } finally {
      over.abort();
      const left = (this.waiters.get(subject) ?? 1) - 1;
      if (left > 0) this.waiters.set(subject, left);
      else this.waiters.delete(subject);
    }
  }
}
