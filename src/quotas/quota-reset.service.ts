import { Injectable } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { CloseOutRepository } from '../ledger/close-out.repository';

const BATCH = 500;
const PAUSE_SHARE = 0.25;

/**
 * Closes out the days that are over: archives each user's day into `quota_usage` and opens the one that is now. Hygiene
 * only: a quota is right whether this ran or not. Safe to run anywhere, any number of times, and to be killed half way.
 */
@Injectable()
export class QuotaResetService {
  constructor(private readonly repository: CloseOutRepository) {}

  /** @param stop ends it after the batch under way @returns users whose day this call closed */
  async closeOut(stop: AbortSignal): Promise<number> {
    let closed = 0;
    for (const zone of await this.repository.zonesInUse()) {
      for (;;) {
        const startedAt = performance.now();
        const batch = await this.repository.closeOutBatch(zone, BATCH);
        closed += batch;
        if (stop.aborted) return closed;
        if (batch < BATCH) break;
        // A pause in proportion to the work leaves the database to the charges, which do not wait for this.
        await delay((performance.now() - startedAt) * PAUSE_SHARE, undefined, { signal: stop }).catch(() => undefined);
      }
    }
    return closed;
  }
}
