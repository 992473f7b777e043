import { Injectable } from '@nestjs/common';
import { ArrivalQueue } from '../database/arrival-queue';
import { IsolatedCommit } from '../database/isolated-commit';
import { type Actor } from '../common/principal';
import { UnavailableProblem } from '../http/problem';
import { OutboxService } from '../outbox/outbox.service';
import { SettingsService } from '../settings/settings.service';
import { LedgerSettings, type RefundPolicy } from './ledger.settings';
import { type Application, type Outcome, type RefundRules, SettlementRepository, type Transition } from './settlement.repository';

/** What four workers deliver in calls of a hundred: a call that is cut in two waits for two commits. */
const BATCH = 400;
const QUEUE_LIMIT = 4_096;

/**
 * Moves requests on, and gives back what is due when they end. Always true: the first transition that ends a request stands
 * and final states never change; its units are settled in the statement that ends it, to the period that paid them, each at
 * most once.
 */
@Injectable()
export class SettlementService {
  private readonly plain = this.group('a batch of transitions', false);
  private readonly refunding = this.group('a batch of transitions that may refund', true);

  constructor(
    private readonly repository: SettlementRepository,
    private readonly settings: SettingsService,
    private readonly outbox: OutboxService,
  ) {}

  /** @throws UnavailableProblem when too many wait, or the database does not answer */
  async settle(transition: Transition): Promise<Outcome> {
    const cannotRefund = transition.act === 'heartbeat' || (transition.act === 'complete' && transition.units === undefined);
    const outcome = cannotRefund ? await this.plain.push(transition) : await this.refunding.push(transition);
    return outcome.verdict === 'deferred' ? this.refunding.push(transition) : outcome;
  }

  /**
   * What an operator asks for, by itself, with its event in the audit log.
   * @throws UnavailableProblem when somebody holds the rows, or the database does not answer
   */
  async settleAudited(transition: Transition, actor: Actor): Promise<Outcome> {
    return this.repository.main.transaction(async (run) => {
      // The refund cap adds up what others refunded: see `send`.
      await this.repository.lockUsers(run, [transition], false);
      return this.repository.applyAudited(run, transition, this.rules(), actor);
    });
  }

  /** No two of a batch are of one request, and one batch is under way at a time: those of one request keep their order. */
  private group(name: string, refunds: boolean): IsolatedCommit<Transition, Outcome> {
    return new IsolatedCommit<Transition, Outcome>({
      name,
      send: async (transitions, locking, inLane) => {
        const outcomes = await this.send(transitions, { refunds, skips: locking === 'skip' }, inLane);
        this.outbox.expectRequests();
        return outcomes;
      },
      ownerOf: ({ id }) => id,
      isBusy: ({ verdict }) => verdict === 'busy',
      maxItems: BATCH,
      queue: new ArrivalQueue(({ item }) => item.id),
      laneQueue: new ArrivalQueue(({ item }) => item.id),
      limit: { maxWaiting: QUEUE_LIMIT, full: () => new UnavailableProblem('Too many transitions wait. Nothing was changed.') },
    });
  }

  private send(transitions: readonly Transition[], application: Application, inLane: boolean): Promise<Outcome[]> {
    const rules = this.rules();
    const statements = inLane ? this.repository.lane : this.repository.main;
    if (!application.refunds || rules.dailyCap === null) return this.repository.apply(statements.runOnce, transitions, rules, application);
    // The cap adds up what others refunded: their commits are only seen by a statement that begins once the users are locked.
    return statements.transactionOnce(async (run) => {
      await this.repository.lockUsers(run, transitions, application.skips);
      return this.repository.apply(run, transitions, rules, application);
    });
  }

  private rules(): RefundRules {
    const policy: RefundPolicy = { expiredWhileProcessing: 'none', ...this.settings.get(LedgerSettings.refundPolicy) };
    return { policy, dailyCap: this.settings.get(LedgerSettings.refundDailyCap) };
  }
}
