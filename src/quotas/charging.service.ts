import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { NotFoundProblem } from '../http/problem';
import { IdempotencyKeyReused } from '../idempotency/idempotency.errors';
import { AdmissionService } from '../ledger/admission.service';
import { type Draw } from '../ledger/decision';
import { type Admitted, type Charge, type Refused, type Replayed, type Verdict } from '../ledger/charge';
import { BurstLimiter } from './burst-limiter';
import { DayReads } from './day-reads';
import { BurstExceeded, quotaRefusal, UserSuspended } from './quotas.errors';
import { type BurstState, rateLimitFields, secondsLeft } from './rate-limit-fields';

/** A charge that is in force, now or since it was first asked for, and what every answer shows of it in its header. */
export interface Charged {
  verdict: Admitted | Replayed;
  headers: Record<string, string>;
}

/** Charges for the routes that do: the tier's burst limit first, then admission, and a refusal as its problem. */
@Injectable()
export class ChargingService {
  constructor(
    private readonly admission: AdmissionService,
    private readonly burst: BurstLimiter,
    private readonly days: DayReads,
  ) {}

  /** @throws QuotaExceeded, BurstExceeded, IdempotencyKeyReused, NotFoundProblem, UserSuspended, QueueFull, ClientGone */
  async charge(charge: Charge): Promise<Charged> {
    const burst = this.burst.spend(charge.userId);
    if (burst?.allowed === false) throw new BurstExceeded(charge.cost, burst, await this.days.of(charge.userId));
    return this.charged(charge, burst, await this.admission.admit(charge));
  }

  /**
   * Asks the burst limit alone, before a transaction that charges: that may run several times.
   * @throws BurstExceeded
   */
  async spendBurst({ userId, cost }: Pick<Charge, 'userId' | 'cost'>): Promise<BurstState | null> {
    const burst = this.burst.spend(userId);
    if (burst?.allowed === false) throw new BurstExceeded(cost, burst, await this.days.of(userId));
    return burst;
  }

  /** Charges within a transaction of the caller's, and is undone with it. @throws as `charge`, but for BurstExceeded */
  async chargeWithin(tx: EntityManager, charge: Charge, burst: BurstState | null): Promise<Charged> {
    return this.charged(charge, burst, await this.admission.admitWithin(tx, charge));
  }

  /** The fields that an answer about this user bears which charges nothing; none where they are not known. */
  async fieldsOf(userId: number): Promise<Record<string, string>> {
    const state = await this.days.of(userId);
    return state === null ? {} : rateLimitFields(state);
  }

  private charged(charge: Charge, burst: BurstState | null, verdict: Verdict): Charged {
    if (verdict.state) this.burst.learn(charge.userId, verdict.state.tier);
    switch (verdict.outcome) {
      case 'admitted':
        return { verdict, headers: { ...rateLimitFields(verdict.state, verdict.cap, burst), ...drawFields(verdict.draws) } };
      case 'replayed':
        return { verdict, headers: { 'idempotency-replayed': 'true', ...rateLimitFields(verdict.state, null, burst) } };
      default:
        throw refusalOf(charge, verdict, burst);
    }
  }
}

/** What of a charge the day's own units did not pay: a list of structured-field tokens (RFC 9651). */
function drawFields(draws: readonly Draw[]): Record<string, string> {
  if (draws.length === 0) return {};
  return {
    ...(draws[0]?.source === 'shadow' ? { 'x-quota-shadow': 'quota-exceeded' } : {}),
    'x-quota-draws': draws.map(({ source, grantId, units }) => `${source};${grantId === null ? '' : `id=${grantId};`}units=${units}`).join(', '),
  };
}

function refusalOf({ cost }: Charge, { outcome, state, cap }: Refused, burst: BurstState | null): Error {
  if (outcome === 'key-reused') return new IdempotencyKeyReused();
  if (outcome === 'suspended') return new UserSuspended();
  if (outcome === 'no-user' || state === null) return new NotFoundProblem('user');
  const retryAfterSeconds = Math.max(secondsLeft(state), burst?.remaining === 0 ? burst.nextInSeconds : 0);
  const headers = { ...rateLimitFields(state, cap, burst), 'retry-after': String(retryAfterSeconds) };
  return quotaRefusal(cost, state, cap, outcome === 'over-cap' ? 'key' : 'daily', headers);
}
