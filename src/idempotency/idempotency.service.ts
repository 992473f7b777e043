import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { Transactions } from '../database/transactions';
import { SettingsService } from '../settings/settings.service';
import { BegunCall } from './begun-call';
import { Fingerprints } from './fingerprints';
import { type IdempotentCall } from './idempotency-key';
import { IdempotencyKeyReused, StoredAnswer, TooManyIdempotencyKeys } from './idempotency.errors';
import { IdempotencyRepository, type Place } from './idempotency.repository';
import { IdempotencySettings } from './idempotency.settings';
import { RunningCalls } from './running-calls';

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };

/** What differs where an answer is kept. */
export interface Kept<T> {
  /** The answer as a retry gets it; default: as it is. */
  as?: (answer: T) => object;
  /** The status that it is answered with; default: 201. */
  status?: number;
  /** Of a call without a principal: the account that it made, from its answer or, for a retry, by what names it. */
  owner?: { find: (tx?: EntityManager) => Promise<number | null>; of: (answer: T) => number };
}

/** The answer of a call whose parts commit one by one, as text. */
export interface InParts {
  status: number;
  text: string;
  /** Whether a retry gets it; otherwise a retry is a call of its own. */
  kept: boolean;
}

/**
 * Runs a use case once per Idempotency-Key. Always true: the answer is stored in the transaction of the use case, so a
 * retry either finds the answer or nothing happened; a retry that comes too early waits for the first call; refusals are
 * not stored. Submits do not come here: admission does the same within its own statement.
 */
@Injectable()
export class IdempotencyService {
  constructor(
    private readonly repository: IdempotencyRepository,
    private readonly settings: SettingsService,
    private readonly fingerprints: Fingerprints,
    private readonly running: RunningCalls,
    private readonly transactions: Transactions,
  ) {}

  /**
   * The transaction of a use case that answers with what `work` returns, 201 by default.
   *
   * @throws StoredAnswer when the call is a retry; IdempotencyKeyReused 422; IdempotencyKeyInUse, TooManyIdempotencyKeys 409
   */
  async transaction<T extends object>(call: IdempotentCall | null, work: (tx: EntityManager) => Promise<T>, kept: Kept<T> = {}): Promise<T> {
    if (call === null) return this.transactions.run(work);
    const attempt = () =>
      this.transactions.run(async (tx) => {
        if (!(await this.repository.tryLock(tx, call))) return null;
        await this.assertNew(call, kept, tx);
        const answer = await work(tx);
        const place = { ...call, userId: call.userId ?? (kept.owner?.of(answer) as number) };
        await this.store(tx, call, place, kept.status ?? 201, kept.as?.(answer) ?? answer);
        return answer;
      });
    return this.running.once(call, attempt, () => this.assertNew(call, kept));
  }

  /** The same for a use case whose parts commit one by one and bear repeating, as each has a key of its own. */
  async inParts(call: IdempotentCall & Place, work: () => Promise<InParts>): Promise<InParts> {
    const attempt = async () => {
      const hours = this.settings.get(IdempotencySettings.retentionHours);
      const mark = await this.repository.begin(call, this.fingerprints.of(call.content), hours);
      if (mark === null) {
        await this.assertNew(call, {});
        return null;
      }
      const begun = new BegunCall(this.repository, call, mark);
      let answer: InParts | null = null;
      try {
        answer = await work();
        return answer;
      } finally {
        if (answer?.kept) await begun.finish(answer.status, answer.text);
        else await begun.giveUp();
      }
    };
    return this.running.once(call, attempt, () => this.assertNew(call, {}));
  }

  /** Ends a retry with its answer, before anything that costs. @throws StoredAnswer, IdempotencyKeyReused */
  async assertNew<T>(call: IdempotentCall, { owner }: Kept<T> = {}, tx?: EntityManager): Promise<void> {
    const userId = call.userId ?? (await owner?.find(tx)) ?? null;
    if (userId === null) return;
    const stored = await this.repository.find({ ...call, userId }, this.settings.get(IdempotencySettings.retentionHours), tx);
    if (stored === null) return;
    if (!this.fingerprints.matches(stored.fingerprint, call.content)) throw new IdempotencyKeyReused();
    const { responseText: text, responseStatus } = stored;
    if (text !== null) throw new StoredAnswer(text, responseStatus, { ...JSON_TYPE, ...call.headersOf(JSON.parse(text)) });
  }

  /** Removes what is older than the retention, a batch at a time; returns how many it removed. */
  async removeExpired(stop?: AbortSignal): Promise<number> {
    const hours = this.settings.get(IdempotencySettings.retentionHours);
    let removed = 0;
    for (;;) {
      const batch = await this.repository.removeBatch(hours);
      removed += batch;
      if (batch === 0 || stop?.aborted) return removed;
    }
  }

  private async store(tx: EntityManager, call: IdempotentCall, place: Place, status: number, answer: object): Promise<void> {
    const max = call.bounded ? this.settings.get(IdempotencySettings.maxAnswersPerUser) : null;
    const stored = await this.repository.store(tx, place, this.fingerprints.of(call.content), status, JSON.stringify(answer), max);
    if (!stored) throw new TooManyIdempotencyKeys(max as number);
  }
}
