import { Injectable } from '@nestjs/common';
import { Transactions } from '../database/transactions';
import { QuotaFormsRepository } from './quota-forms.repository';

/** Users in one transaction: their charges wait for it. */
const BATCH = 500;

/** Clears marks that are true too long. Nothing is wrong where it does not run; charges of those users are a little slower. */
@Injectable()
export class QuotaFormsService {
  constructor(
    private readonly repository: QuotaFormsRepository,
    private readonly transactions: Transactions,
  ) {}

  /** Forgets what rolled over and expired, and counters of limits long over; lets charges of users whose grants have all ended be plain again. @returns how many rows */
  async removeExpired(stop: AbortSignal): Promise<number> {
    let cleared = 0;
    for (let removed = BATCH; removed === BATCH && !stop.aborted; cleared += removed) {
      removed = await this.transactions.run((tx) => this.repository.removeRolledOver(tx, BATCH));
    }
    for (let removed = BATCH; removed === BATCH && !stop.aborted; cleared += removed) {
      removed = await this.transactions.run((tx) => this.repository.removeLimitUsage(tx, BATCH));
    }
    for (let after: number | null = 0; after !== null && !stop.aborted;) {
      const from: number = after;
      const batch = await this.clearFrom(from);
      cleared += batch.cleared;
      after = batch.last;
    }
    return cleared;
  }

  /**
   * Two statements: a grant may be made while the first one waits for its user's row. It is committed once that is locked, and the
   * second statement begins after that.
   */
  private clearFrom(after: number): Promise<{ cleared: number; last: number | null }> {
    return this.transactions.run(async (tx) => {
      const held = await this.repository.lockMarked(tx, after, BATCH);
      const cleared = held.length === 0 ? 0 : await this.repository.clear(tx, held);
      return { cleared, last: held.length < BATCH ? null : (held.at(-1) ?? null) };
    });
  }
}
