import { Injectable } from '@nestjs/common';
import { randomInt } from 'node:crypto';
import { type EntityManager } from 'typeorm';
import { NotFoundProblem } from '../http/problem';
import { IdempotencyKeyReused } from '../idempotency/idempotency.errors';
import { AdmissionService } from '../ledger/admission.service';
import { type Admitted, type Charge, type Refused, type Replayed, type Verdict } from '../ledger/charge';
import { SettingsService } from '../settings/settings.service';
import { BurstLimiter } from './burst-limiter';
import { DayReads } from './day-reads';
import { QuotaSettings } from './quota.settings';
import { BurstExceeded, QuotaExceeded, quotaRefusal, type RefusedBy, secondsUntilRoom, TooManyInFlight, UserSuspended } from './quotas.errors';
import { type BurstState, rateLimitFields } from './rate-limit-fields';

/** A charge that is in force, now or since it was first asked for, and what every answer shows of it in its header. */
export interface Charged {
  verdict: Admitted | Replayed;
  headers: Record<string, string>;
}

/**
 * Charges for the routes that do: the tier's burst limit first, then admission, and a refusal as its problem. What admission does not
 * charge counts for no burst either.
 */
@Injectable()
export class ChargingService {
  constructor(
    private readonly admission: AdmissionService,
    private readonly burst: BurstLimiter,
    private readonly days: DayReads,
    private readonly settings: SettingsService,
  ) {}

  /** @throws QuotaExceeded, BurstExceeded, IdempotencyKeyReused, NotFoundProblem, UserSuspended, QueueFull, ClientGone */
  async charge(charge: Charge): Promise<Charged> {
    const burst = await this.spendBurst(charge);
    if (burst === null) return this.charged(charge, burst, await this.admission.admit(charge));
    try {
      return this.charged(charge, burst, await this.admission.admit(charge));
    } catch (error) {
      if (!(error instanceof QuotaExceeded || error instanceof TooManyInFlight)) this.burst.giveBack(charge.userId);
      throw error;
    }
  }

  /**
   * Asks the burst limit alone, before a transaction that charges: that may run several times.
   * @throws BurstExceeded
   */
  async spendBurst({ userId, cost }: Pick<Charge, 'userId' | 'cost'>): Promise<BurstState | null> {
    if (this.burst.asksForTier(userId)) {
      const day = await this.days.of(userId);
      if (day !== null) this.burst.learn(userId, day.tier);
    }
    const burst = this.burst.spend(userId);
    if (burst?.allowed === false) throw new BurstExceeded(cost, burst, await this.days.of(userId), this.spread());
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
        return { verdict, headers: withDraws(verdict, rateLimitFields(verdict.state, verdict.cap, burst)) };
      case 'replayed':
        return { verdict, headers: { 'idempotency-replayed': 'true', ...rateLimitFields(verdict.state, null, burst) } };
      default:
        throw this.refusalOf(charge, verdict, burst);
    }
  }

  private refusalOf({ userId, cost }: Charge, { outcome, state, cap, flight }: Refused, spent: BurstState | null): Error {
    if (outcome === 'key-reused') return new IdempotencyKeyReused();
    if (outcome === 'suspended') return new UserSuspended();
    if (outcome === 'no-user' || state === null) return new NotFoundProblem('user');
    const burst = spent === null ? null : this.burst.giveBack(userId);
    if (outcome === 'over-in-flight' && flight !== null) return new TooManyInFlight(cost, flight, this.spread(), rateLimitFields(state, null, burst));
    const by = REFUSED_BY[outcome] ?? 'daily';
    const headers = { ...rateLimitFields(state, cap, burst), 'retry-after': String(secondsUntilRoom(state, by) + this.spread()) };
    return quotaRefusal(cost, state, cap, by, headers);
  }

  /** Seconds by which one refusal's `Retry-After` is later than another's, so that not all who wait come at one instant. */
  private spread(): number {
    const seconds = this.settings.get(QuotaSettings.retryAfterSpread);
    return seconds === 0 ? 0 : randomInt(seconds + 1);
  }
}

const REFUSED_BY: Partial<Record<Refused['outcome'], RefusedBy>> = { 'over-cap': 'key', 'over-limit': 'limit' };

/** With what of a charge the day's own units did not pay: a list of structured-field tokens (RFC 9651). Nearly always there is nothing. */
function withDraws({ draws, shadow }: Admitted, fields: Record<string, string>): Record<string, string> {
  if (draws.length === 0) return fields;
  if (shadow !== null) fields['x-quota-shadow'] = shadow;
  fields['x-quota-draws'] = draws.map(({ source, grantId, units }) => `${source};${grantId === null ? '' : `id=${grantId};`}units=${units}`).join(', ');
  return fields;
}
