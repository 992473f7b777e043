import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { SecretBox } from '../configurations/secret-box';
import { SettingsService } from '../configurations/settings.service';
import { Transactions } from '../database/transactions';
import { IdempotencyKeyInUse, IdempotencyKeyReused, StoredAnswer } from './idempotency.errors';
import { type IdempotentCall } from './idempotency-key';
import { IdempotencyRepository } from './idempotency.repository';
import { IdempotencySettings } from './idempotency.settings';

/**
 * Runs a use case once per Idempotency-Key. Always true: the answer is stored in the transaction of the use case, so a
 * retry either finds the answer or nothing happened; refusals are not stored. Submits do not come here: admission does
 * the same within its own statement.
 */
@Injectable()
export class IdempotencyService {
  constructor(
    private readonly repository: IdempotencyRepository,
    private readonly settings: SettingsService,
    private readonly secrets: SecretBox,
    private readonly transactions: Transactions,
  ) {}

  /**
   * The transaction of a use case that creates something and answers 201 with what `work` returns.
   *
   * @param holdsSecret the answer is shown once, so it is sealed while it is kept for a retry
   * @throws StoredAnswer when the call is a retry; IdempotencyKeyReused 422; IdempotencyKeyInUse 409
   */
  async transaction<T extends object>(call: IdempotentCall | null, work: (tx: EntityManager) => Promise<T>, holdsSecret = false): Promise<T> {
    return this.transactions.run(async (tx) => {
      if (call === null) return work(tx);
      if (!(await this.repository.tryLock(tx, call))) throw new IdempotencyKeyInUse();
      const stored = await this.repository.find(tx, call, this.settings.get(IdempotencySettings.retentionHours));
      if (stored) {
        if (!stored.fingerprint.equals(call.fingerprint)) throw new IdempotencyKeyReused();
        const body = holdsSecret ? this.secrets.open(call.scope, stored.responseBody) : stored.responseBody;
        throw new StoredAnswer(body ?? {}, stored.responseStatus);
      }
      const answer = await work(tx);
      await this.repository.store(tx, call, 201, holdsSecret ? this.secrets.seal(call.scope, answer) : answer);
      return answer;
    });
  }

  /** Removes what is older than the retention, a batch at a time; returns how many it removed. */
  async removeExpired(): Promise<number> {
    const hours = this.settings.get(IdempotencySettings.retentionHours);
    let removed = 0;
    for (;;) {
      const batch = await this.repository.removeBatch(hours);
      removed += batch;
      if (batch === 0) return removed;
    }
  }
}
