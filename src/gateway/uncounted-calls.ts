import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { isOutage, mayBeDone } from '../common/database-errors';
import { fingerprintOf } from '../idempotency/idempotency-key';
import { IdempotencyKeyReused } from '../idempotency/idempotency.errors';
import { type Charge } from '../ledger/charge';
import { SettingsService } from '../settings/settings.service';
import { GatewaySettings } from './gateway.settings';

/** A call that was let through, until what became of it stands in the database. */
export interface UncountedCall {
  /** With an Idempotency-Key in any case: however often it is counted afterwards, it is charged once. */
  charge: Charge & { idempotency: NonNullable<Charge['idempotency']> };
  /** Whether its first charge may have been committed, and nobody can know: it is not counted afterwards, so that nobody pays twice. */
  doubtful: boolean;
  /** When, by `performance.now()`. */
  at: number;
  outcome: 'waits' | 'counted' | 'left';
}

/**
 * What this process let through while the database could not answer. Always true: nothing is let through unless an operator wants
 * that; no more units at a time than the two budgets, in all and of one user, and they are free again only when what was let through is
 * reported in the database. Bounded by the budgets, since every call costs a unit.
 */
@Injectable()
export class UncountedCalls {
  private readonly callsOfUser = new Map<number, UncountedCall[]>();
  private readonly handlers: (() => void)[] = [];
  /** Units since the process began, for metrics. */
  readonly counts = { letThrough: 0, counted: 0, left: 0 };
  /** Units that wait for the database. */
  units = 0;

  constructor(private readonly settings: SettingsService) {}

  /** Calls the handler when a call was let through. */
  onLetThrough(handler: () => void): void {
    this.handlers.push(handler);
  }

  /** Users whose calls are not reported yet. */
  get userIds(): number[] {
    return [...this.callsOfUser.keys()];
  }

  /** Of one user, in the order in which they came. */
  callsOf(userId: number): readonly UncountedCall[] {
    return [...(this.callsOfUser.get(userId) ?? [])];
  }

  /**
   * Lets the call through uncounted, where that may be. A reservation never is: nobody could settle it.
   *
   * @param failure what came of charging, or of finding out whose the key is
   * @param wasSent whether the charge was tried
   * @throws the failure where the check is closed, the failure is no outage of the database, or a budget is used up; IdempotencyKeyReused
   */
  letThrough(charge: Charge, failure: unknown, wasSent: boolean): void {
    if (this.settings.get(GatewaySettings.failMode) !== 'open' || charge.holdSeconds !== undefined || !isOutage(failure)) throw failure;
    const { userId, cost, idempotency } = charge;
    const calls = this.callsOfUser.get(userId) ?? [];
    if (idempotency !== null && isRepeated(calls, idempotency)) return;
    const ofUser = calls.reduce((sum, call) => sum + call.charge.cost, 0);
    const isFull =
      this.units + cost > this.settings.get(GatewaySettings.uncountedUnits) || ofUser + cost > this.settings.get(GatewaySettings.uncountedUnitsPerUser);
    if (isFull) throw failure;
    const own = { scope: 'authorize', key: `uncounted-${randomUUID()}`, fingerprint: fingerprintOf(null) } as const;
    calls.push({
      charge: { ...charge, idempotency: idempotency ?? own, isGone: undefined },
      doubtful: wasSent && idempotency === null && mayBeDone(failure),
      at: performance.now(),
      outcome: 'waits',
    });
    this.callsOfUser.set(userId, calls);
    this.units += cost;
    this.counts.letThrough += cost;
    for (const handler of this.handlers) handler();
  }

  /** Forgets calls of a user that are reported: their units are free again. */
  reported(userId: number, reported: readonly UncountedCall[]): void {
    const rest = (this.callsOfUser.get(userId) ?? []).filter((call) => !reported.includes(call));
    if (rest.length > 0) this.callsOfUser.set(userId, rest);
    else this.callsOfUser.delete(userId);
    for (const { charge, outcome } of reported) {
      this.units -= charge.cost;
      this.counts[outcome === 'counted' ? 'counted' : 'left'] += charge.cost;
    }
  }
}

/** @throws IdempotencyKeyReused */
function isRepeated(calls: readonly UncountedCall[], { key, fingerprint }: NonNullable<Charge['idempotency']>): boolean {
  const earlier = calls.find(({ charge }) => charge.idempotency.key === key);
  if (earlier !== undefined && !earlier.charge.idempotency.fingerprint.equals(fingerprint)) throw new IdempotencyKeyReused();
  return earlier !== undefined;
}
