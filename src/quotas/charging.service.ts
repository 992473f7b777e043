import { Injectable } from '@nestjs/common';
import { NotFoundProblem } from '../http/problem';
import { IdempotencyKeyReused } from '../idempotency/idempotency.errors';
import { AdmissionService } from '../ledger/admission.service';
import { type Admitted, type Charge, type Refused, type Replayed } from '../ledger/charge';
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
    const verdict = await this.admission.admit(charge);
    if (verdict.state) this.burst.learn(charge.userId, verdict.state.tier);
    switch (verdict.outcome) {
      case 'admitted':
        return { verdict, headers: rateLimitFields(verdict.state, verdict.cap, burst) };
      case 'replayed':
        return { verdict, headers: { 'idempotency-replayed': 'true', ...rateLimitFields(verdict.state, null, burst) } };
      default:
        throw refusalOf(charge, verdict, burst);
    }
  }
}

function refusalOf({ cost }: Charge, { outcome, state, cap }: Refused, burst: BurstState | null): Error {
  if (outcome === 'key-reused') return new IdempotencyKeyReused();
  if (outcome === 'suspended') return new UserSuspended();
  if (outcome === 'no-user' || state === null) return new NotFoundProblem('user');
  const retryAfterSeconds = Math.max(secondsLeft(state), burst?.remaining === 0 ? burst.nextInSeconds : 0);
  const headers = { ...rateLimitFields(state, cap, burst), 'retry-after': String(retryAfterSeconds) };
  return quotaRefusal(cost, state, cap, outcome === 'over-cap' ? 'key' : 'daily', headers);
}
