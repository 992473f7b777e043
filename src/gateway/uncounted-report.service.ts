import { type BeforeApplicationShutdown, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import { isOutage } from '../common/database-errors';
import { type Actor } from '../common/principal';
import { DatabaseClock } from '../database/database-clock';
import { Transactions } from '../database/transactions';
import { UnavailableProblem } from '../http/problem';
import { AdmissionService } from '../ledger/admission.service';
import { OutboxService } from '../outbox/outbox.service';
import { type UncountedCall, UncountedCalls } from './uncounted-calls';

const TRY_AGAIN_MS = 1_000;
const SYSTEM: Actor = { kind: 'system', id: null, requestId: null, reason: 'the database could not answer, and gateway.failMode is open' };

/**
 * Counts what the gateway check let through uncounted once the database answers again, and reports it: an event and an audit event for
 * each user. Always true: each call is charged once, however often that is tried, because it bears an Idempotency-Key; what does not fit
 * into what the user has left by then stays uncounted, and so does what may have been charged before.
 */
@Injectable()
export class UncountedReport implements OnModuleInit, BeforeApplicationShutdown {
  private readonly logger = new Logger(UncountedReport.name);
  private timer: NodeJS.Timeout | null = null;
  private underWay: Promise<void> | null = null;

  constructor(
    private readonly uncounted: UncountedCalls,
    private readonly admission: AdmissionService,
    private readonly outbox: OutboxService,
    private readonly audit: AuditService,
    private readonly clock: DatabaseClock,
    private readonly transactions: Transactions,
  ) {}

  onModuleInit(): void {
    this.uncounted.onLetThrough(() => {
      if (this.timer !== null) return;
      this.logger.warn('the database cannot answer: gateway checks are let through uncounted, within the budgets');
      this.timer = setInterval(() => void this.report(), TRY_AGAIN_MS).unref();
    });
  }

  /** What cannot be counted by now never will be: this process alone knows of it. */
  async beforeApplicationShutdown(): Promise<void> {
    if (this.timer !== null) await this.report();
    if (this.uncounted.units > 0) this.logger.error({ units: this.uncounted.units }, 'units that were let through uncounted are lost with this process');
  }

  /** Counts and reports what waits, as far as the database takes it; runs by itself every second while something waits. */
  report(): Promise<void> {
    this.underWay ??= this.reportAll().finally(() => (this.underWay = null));
    return this.underWay;
  }

  private async reportAll(): Promise<void> {
    for (const userId of this.uncounted.userIds) {
      try {
        await this.reportOf(userId, this.uncounted.callsOf(userId));
      } catch (error) {
        this.logger.debug(`calls of user ${userId} not reported: ${(error as Error).message}`);
        if (isOutage(error)) return;
      }
    }
    if (this.uncounted.units > 0 || this.timer === null) return;
    clearInterval(this.timer);
    this.timer = null;
    this.logger.log('what was let through uncounted is counted, as far as it can be, and reported');
  }

  private async reportOf(userId: number, calls: readonly UncountedCall[]): Promise<void> {
    await Promise.all(calls.map((call) => this.count(call)));
    const [first, last] = [calls[0], calls.at(-1)].map((call) => performance.now() - (call?.at ?? 0));
    await this.transactions.run(async (tx) => {
      const now = (await this.clock.now(tx)).getTime();
      const counted = calls.filter(({ outcome }) => outcome === 'counted');
      const data = {
        calls: calls.length,
        units: unitsOf(calls),
        countedCalls: counted.length,
        countedUnits: unitsOf(counted),
        since: new Date(now - (first as number)).toISOString(),
        until: new Date(now - (last as number)).toISOString(),
      };
      await this.outbox.record(tx, { type: 'gateway.let-through', userId, data });
      await this.audit.record(tx, SYSTEM, { action: 'gateway.let-through', target: ['user', userId], after: data });
    });
    this.uncounted.reported(userId, calls);
  }

  /** @throws what passes by itself: the call waits on */
  private async count(call: UncountedCall): Promise<void> {
    if (call.outcome !== 'waits') return;
    if (call.doubtful) {
      call.outcome = 'left';
      return;
    }
    try {
      const { outcome } = await this.admission.admit(call.charge);
      call.outcome = outcome === 'admitted' || outcome === 'replayed' ? 'counted' : 'left';
    } catch (error) {
      if (error instanceof UnavailableProblem || isOutage(error)) throw error;
      this.logger.warn({ err: error }, 'a call that was let through cannot be counted');
      call.outcome = 'left';
    }
  }
}

function unitsOf(calls: readonly UncountedCall[]): number {
  return calls.reduce((sum, { charge }) => sum + charge.cost, 0);
}
