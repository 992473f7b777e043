import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { type PendingTier, TierCopiesRepository, type TierColumn } from './tier-copies.repository';

const BATCH = 500;
/** Of one run over the users of a tier: what somebody held the first time is mostly free the second time. */
const PASSES = 2;
/** What is copied within this time is copied before the call that edits is answered: almost every plan. */
const AT_ONCE_MS = 100;
/** A pause in proportion to the work leaves the database to the charges. */
const PAUSE_SHARE = 0.25;

/**
 * Copies what plans are into the rows of their users, for other programs and for the charge's plain case. Hygiene only: an edit is
 * in force with its commit, for whoever reads or charges, copied or not. Any process finds what another one left, half way or not.
 */
@Injectable()
export class TierCopiesService implements BeforeApplicationShutdown {
  private readonly logger = new Logger(TierCopiesService.name);
  private running: Promise<number> | null = null;
  private stopping = false;

  constructor(private readonly repository: TierCopiesRepository) {}

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    await this.running?.catch(() => undefined);
  }

  /** Begins to copy. Resolves when it is done or takes long; then it goes on by itself, and the job goes on with what fails. */
  async begin(): Promise<void> {
    const running = this.run().catch((error: Error) => this.logger.warn(`copies of plans are left to the job: ${error.message}`));
    await Promise.race([running, delay(AT_ONCE_MS, undefined, { ref: false })]);
  }

  /** @returns how many users were copied to; calls at once share one run, and one that comes while it works another one after it */
  async run(): Promise<number> {
    const before = this.running;
    if (before) await before.catch(() => undefined);
    this.running ??= this.copyAll().finally(() => (this.running = null));
    return this.running;
  }

  private async copyAll(): Promise<number> {
    let total = 0;
    for (const tier of await this.repository.pending()) {
      for (let pass = 0; pass < PASSES; pass++) {
        total += await this.copyTo(tier, 'subscription_tier');
        total += await this.copyTo(tier, 'next_subscription_tier');
        if (this.stopping) return total;
        if (await this.repository.finish(tier)) break;
      }
    }
    return total;
  }

  private async copyTo(tier: PendingTier, column: TierColumn): Promise<number> {
    let total = 0;
    for (let after = 0; !this.stopping;) {
      const startedAt = performance.now();
      const { last, copied } = await this.repository.copy(tier, column, after, BATCH);
      if (last === null) break;
      total += copied;
      after = last;
      await delay((performance.now() - startedAt) * PAUSE_SHARE);
    }
    return total;
  }
}
