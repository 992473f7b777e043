import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { setTimeout as delay } from 'node:timers/promises';
import { RemovedUsageRepository } from '../ledger/removed-usage.repository';
import { UserRemovalRepository } from './user-removal.repository';

/** What is gone within this time is gone before the call that deletes is answered: almost every account. */
const AT_ONCE_MS = 150;
/** A pause in proportion to the work leaves the database to the others. */
const PAUSE_SHARE = 0.5;
const UNNOTICED_MS = 5;

/**
 * Takes the rows of deleted accounts away. Always true: an account is deleted with the commit that marks it, whatever
 * becomes of its rows; totals of its usage stay, without it; and any process finds by the mark what another one left, half way or not.
 */
@Injectable()
export class UserRemovalService implements BeforeApplicationShutdown {
  private readonly logger = new Logger(UserRemovalService.name);
  private running: Promise<number> | null = null;
  private stopping = false;

  constructor(
    private readonly repository: UserRemovalRepository,
    private readonly usage: RemovedUsageRepository,
  ) {}

  async beforeApplicationShutdown(): Promise<void> {
    this.stop();
    await this.running?.catch(() => undefined);
  }

  /** Ends the run under way after its batch, and all later ones at once: the process is stopping. */
  stop(): void {
    this.stopping = true;
  }

  /** A participant of the transaction that deletes and holds the account's row. False: somebody else did. */
  async mark(tx: EntityManager, id: number): Promise<boolean> {
    await this.usage.keepOpenDay(tx, id);
    return this.repository.mark(tx, id);
  }

  /** Begins to take the rows of an account that was marked away. Resolves when they are gone or it takes long; then it goes on by itself. */
  async begin(id: number): Promise<void> {
    const deadline = performance.now() + AT_ONCE_MS;
    try {
      await this.remove(id, () => performance.now() > deadline);
    } catch (error) {
      this.logger.debug(`rows of user ${id} are left to the job: ${(error as Error).message}`);
    }
    void this.run().catch((error: Error) => this.logger.warn(`rows of deleted users are left to the next run: ${error.message}`));
  }

  /** Takes all rows of all deleted accounts away; calls at once share one run. @returns how many rows went */
  run(): Promise<number> {
    this.running ??= this.removeAll().finally(() => (this.running = null));
    return this.running;
  }

  private async removeAll(): Promise<number> {
    let total = 0;
    let failure: unknown = null;
    const tried = new Set<number>();
    for (;;) {
      const next = (await this.repository.pending()).find((id) => !tried.has(id));
      if (next === undefined || this.stopping) break;
      tried.add(next);
      // One account that resists, as when a row of it is locked from outside, does not keep the others.
      total += await this.remove(next, () => this.stopping).catch((error: unknown) => ((failure = error), 0));
    }
    if (failure !== null) throw failure as Error;
    return total;
  }

  /** @returns how many rows went before there were none, or it was time to stop */
  private async remove(id: number, isOver: () => boolean): Promise<number> {
    let total = 0;
    for await (const removed of this.batches(id)) {
      total += removed;
      if (isOver()) return total;
    }
    return total + (await this.repository.removeUser(id));
  }

  /** What is carried out first, so that its workers learn of it; then the newest, which lists begin with. */
  private async *batches(id: number): AsyncGenerator<number> {
    yield* this.untilNone(() => this.repository.removeProcessing(id));
    yield* this.untilNone(() => this.usage.moveClosedDays(id));
    for (const dependent of await this.repository.dependents()) yield* this.untilNone(() => this.repository.removeFrom(dependent, id));
    yield* this.untilNone(() => this.repository.removeFrom({ table: 'event_listeners', column: 'user_id' }, id));
    yield* this.untilNone(() => this.repository.removeEvents(id));
    for (let before: string | undefined; ;) {
      const { removed, last } = await paced(() => this.repository.removeRequests(id, before));
      if (last === null) break;
      yield removed;
      before = last;
    }
    for (let after: [string, string] | undefined; ;) {
      const { removed, last } = await paced(() => this.repository.removeKeyedAnswers(id, after));
      if (last === null) break;
      yield removed;
      after = last;
    }
  }

  private async *untilNone(batch: () => Promise<number>): AsyncGenerator<number> {
    for (let removed = await paced(batch); removed > 0; removed = await paced(batch)) yield removed;
  }
}

async function paced<T>(work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const result = await work();
  const spentMs = performance.now() - startedAt;
  if (spentMs > UNNOTICED_MS) await delay(spentMs * PAUSE_SHARE);
  return result;
}
