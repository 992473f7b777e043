import { Injectable } from '@nestjs/common';
import { ScopeRequired } from '../common/access.errors';
import { type Principal } from '../common/principal';
import { NotFoundProblem, ValidationProblem } from '../common/problem';
import { SettingsService } from '../configurations/settings.service';
import { DatabaseClock } from '../database/database-clock';
import { fingerprintOf } from '../idempotency/idempotency-key';
import { IdempotencyKeyReused } from '../idempotency/idempotency.errors';
import { AdmissionService } from '../quotas/admission.service';
import { BurstLimiter } from '../quotas/burst-limiter';
import { type Charge, type Verdict } from '../quotas/charge';
import { BurstExceeded, QuotaExceeded, UserSuspended } from '../quotas/quotas.errors';
import { type BurstState, rateLimitFields, secondsLeft } from '../quotas/rate-limit-fields';
import { type SubmitRequestDto } from './dto/submit-request.dto';
import { RequestSignals } from './request-signals';
import { PayloadTooLarge, UnknownType } from './requests.errors';
import { RequestsRepository } from './requests.repository';
import { RequestSettings } from './requests.settings';
import { admittedJson, asSubmittedJson } from './submission';

/** What `POST /v1/requests` answers: a request (`RequestDto`) as JSON, and fields of the header. */
export interface Submitted {
  id: string;
  json: string;
  headers: Record<string, string>;
}

/** One of a batch: what to submit, or why it cannot be. */
export type BatchItem = { dto: SubmitRequestDto; key: string | null } | { refusal: unknown };

/**
 * Submits requests. Always true: a request exists if and only if it was charged, and is on disk before its submit is
 * answered; a refused one leaves nothing behind.
 */
@Injectable()
export class SubmitService {
  constructor(
    private readonly admission: AdmissionService,
    private readonly burst: BurstLimiter,
    private readonly settings: SettingsService,
    private readonly repository: RequestsRepository,
    private readonly clock: DatabaseClock,
    private readonly signals: RequestSignals,
  ) {}

  /**
   * @param idempotencyKey scoped to the user who is charged
   * @param isGone whether the client went away; asked until the charge is sent
   * @throws QuotaExceeded, BurstExceeded, ScopeRequired, UnknownType, PayloadTooLarge, IdempotencyKeyReused, NotFoundProblem, UserSuspended, QueueFull
   */
  async submit(principal: Principal, dto: SubmitRequestDto, idempotencyKey: string | null, isGone?: () => boolean): Promise<Submitted> {
    const charge = this.toCharge(principal, dto, idempotencyKey);
    charge.isGone = isGone;
    if (dto.deadlineAt !== undefined) assertAhead(charge, await this.clock.now());
    return this.send(charge);
  }

  /** Submits many, which go to admission together; each has its own fate. */
  async submitAll(principal: Principal, items: readonly BatchItem[], isGone?: () => boolean): Promise<PromiseSettledResult<Submitted>[]> {
    const now = items.some((item) => 'dto' in item && item.dto.deadlineAt !== undefined) ? await this.clock.now() : null;
    return Promise.allSettled(
      items.map(async (item) => {
        if ('refusal' in item) throw item.refusal;
        const charge = this.toCharge(principal, item.dto, item.key);
        charge.isGone = isGone;
        if (now !== null && item.dto.deadlineAt !== undefined) assertAhead(charge, now);
        return this.send(charge);
      }),
    );
  }

  private async send(charge: Charge): Promise<Submitted> {
    const burst = this.burst.take(charge.userId);
    if (burst?.allowed === false) throw new BurstExceeded(burst.perMinute, burst.nextInSeconds, {});
    const verdict = await this.admission.admit(charge);
    if (verdict.state) this.burst.learn(charge.userId, verdict.state.tier);
    return this.answer(charge, verdict, burst);
  }

  private toCharge(principal: Principal, dto: SubmitRequestDto, key: string | null): Charge {
    const isService = principal.scopes.has('service');
    const userId = dto.userId ?? principal.userId;
    if (userId !== principal.userId && !isService) throw new NotFoundProblem('user');
    if (dto.cost !== undefined && !isService) throw new ScopeRequired(['service']);
    const type = this.settings.get(RequestSettings.types)[dto.type];
    if (type === undefined && this.settings.get(RequestSettings.strictTypes)) throw new UnknownType(dto.type);
    const payloadJson = JSON.stringify(dto.payload ?? {});
    const payloadBytes = Buffer.byteLength(payloadJson);
    const most = this.settings.get(RequestSettings.maxPayloadBytes);
    if (payloadBytes > most) throw new PayloadTooLarge(payloadBytes, most);
    return {
      userId,
      keyId: principal.keyId,
      keyCap: principal.hasCap ? (userId === principal.userId ? 'own' : 'foreign') : 'none',
      type: dto.type,
      status: type?.execution === 'instant' ? 'succeeded' : 'pending',
      deadline: dto.deadlineAt === undefined ? type?.deadlineSeconds : instantOf(dto.deadlineAt),
      cost: dto.cost ?? type?.cost ?? 1,
      payloadJson,
      idempotency: key === null ? null : { key, fingerprint: fingerprintOf(dto) },
    };
  }

  private async answer(charge: Charge, verdict: Verdict, burst: BurstState | null): Promise<Submitted> {
    switch (verdict.outcome) {
      case 'admitted':
        if (charge.status === 'pending') this.signals.ready(charge.type);
        return {
          id: verdict.id,
          json: admittedJson(verdict, charge),
          headers: { location: `/v1/requests/${verdict.id}`, ...rateLimitFields(verdict.state, verdict.cap, burst) },
        };
      case 'replayed': {
        const request = await this.repository.find(verdict.id, charge.userId);
        if (request === null) throw new NotFoundProblem('request');
        const headers = { location: `/v1/requests/${verdict.id}`, 'idempotency-replayed': 'true', ...rateLimitFields(verdict.state, null, burst) };
        // The body of a retry is the same by its fingerprint: echoing its payload keeps even the order of members.
        return { id: verdict.id, json: asSubmittedJson(request, charge.payloadJson), headers };
      }
      case 'no-user':
        throw new NotFoundProblem('user');
      case 'suspended':
        throw new UserSuspended();
      case 'key-reused':
        throw new IdempotencyKeyReused();
      default: {
        const { state, cap } = verdict;
        if (state === null) throw new NotFoundProblem('user');
        const headers = { ...rateLimitFields(state, cap, burst), 'retry-after': String(secondsLeft(state)) };
        throw new QuotaExceeded(charge.cost, state, cap, verdict.outcome === 'over-cap' ? 'key' : 'daily', headers);
      }
    }
  }
}

/** The instant in UTC, to the millisecond. @throws ValidationProblem for one that no calendar has */
function instantOf(text: string): string {
  const at = new Date(text);
  if (!Number.isNaN(at.getTime())) return at.toISOString();
  throw new ValidationProblem([{ pointer: '#/deadlineAt', detail: 'is not an instant of the calendar', code: 'no-such-instant' }]);
}

function assertAhead({ deadline }: Charge, now: Date): void {
  if (new Date(deadline as string) > now) return;
  throw new ValidationProblem([{ pointer: '#/deadlineAt', detail: 'is in the past', code: 'in-the-past' }]);
}
