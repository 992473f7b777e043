import { Injectable } from '@nestjs/common';
import { isInstant } from '../../common/is-instant';
import { type Principal } from '../../common/principal';
import { storedBytes } from '../../common/stored-size';
import { DatabaseClock } from '../../database/database-clock';
import { ScopeRequired } from '../../http/access.errors';
import { NotFoundProblem, ValidationProblem } from '../../http/problem';
import { fingerprintOf } from '../../idempotency/idempotency-key';
import { type Charge } from '../../ledger/charge';
import { ChargeProof } from '../../proofs/charge-proof';
import { type Charged, ChargingService } from '../../quotas/charging.service';
import { SettingsService } from '../../settings/settings.service';
import { type SubmitRequestDto } from '../dto/submit-request.dto';
import { RequestSignals } from '../following/request-signals';
import { PayloadTooLarge, UnknownType } from '../requests.errors';
import { RequestsRepository } from '../requests.repository';
import { listedType, RequestSettings } from '../requests.settings';
import { admittedJson, asSubmittedJson, rememberedJson } from './submission';

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
    private readonly charging: ChargingService,
    private readonly settings: SettingsService,
    private readonly repository: RequestsRepository,
    private readonly clock: DatabaseClock,
    private readonly signals: RequestSignals,
    private readonly proof: ChargeProof,
  ) {}

  /**
   * @param idempotencyKey scoped to the user who is charged
   * @param isGone whether the client went away; asked until the charge is sent
   * @throws QuotaExceeded, BurstExceeded, ScopeRequired, EmailUnverified, UnknownType, PayloadTooLarge, IdempotencyKeyReused, NotFoundProblem, UserSuspended, QueueFull
   */
  async submit(principal: Principal, dto: SubmitRequestDto, idempotencyKey: string | null, isGone?: () => boolean): Promise<Submitted> {
    const charge = this.toCharge(principal, dto, idempotencyKey);
    charge.isGone = isGone;
    if (dto.deadlineAt !== undefined) assertAhead(charge, await this.clock.now());
    return this.answer(charge, await this.charging.charge(charge));
  }

  /** Submits many, which go to admission together; each has its own outcome. */
  async submitAll(principal: Principal, items: readonly BatchItem[], isGone?: () => boolean): Promise<PromiseSettledResult<Submitted>[]> {
    const now = items.some((item) => 'dto' in item && item.dto.deadlineAt !== undefined) ? await this.clock.now() : null;
    return Promise.allSettled(
      items.map(async (item) => {
        if ('refusal' in item) throw item.refusal;
        const charge = this.toCharge(principal, item.dto, item.key);
        charge.isGone = isGone;
        if (now !== null && item.dto.deadlineAt !== undefined) assertAhead(charge, now);
        return this.answer(charge, await this.charging.charge(charge));
      }),
    );
  }

  private toCharge(principal: Principal, dto: SubmitRequestDto, key: string | null): Charge {
    const isService = principal.scopes.has('service');
    const userId = dto.userId ?? principal.userId;
    if (userId !== principal.userId && !isService) throw new NotFoundProblem('user');
    if (dto.cost !== undefined && !isService) throw new ScopeRequired(['service']);
    this.proof.assert(principal, userId);
    const type = listedType(this.settings.get(RequestSettings.types), dto.type);
    if (type === undefined && this.settings.get(RequestSettings.strictTypes)) throw new UnknownType(dto.type);
    const payloadJson = JSON.stringify(dto.payload ?? {});
    const payloadBytes = storedBytes(dto.payload, payloadJson);
    const max = this.settings.get(RequestSettings.maxPayloadBytes);
    if (payloadBytes > max) throw new PayloadTooLarge(payloadBytes, max);
    return {
      userId,
      keyId: principal.keyId,
      keyCap: principal.hasCap ? (userId === principal.userId ? 'own' : 'foreign') : 'none',
      type: dto.type,
      status: type?.execution === 'instant' ? 'succeeded' : 'pending',
      deadline: dto.deadlineAt === undefined ? type?.deadlineSeconds : instantOf(dto.deadlineAt),
      cost: dto.cost ?? type?.cost ?? 1,
      payloadJson,
      shadow: type?.shadow,
      idempotency: key === null ? null : { scope: 'requests', key, fingerprint: fingerprintOf(dto) },
    };
  }

  /** Without a promise for what was admitted just now. */
  private answer(charge: Charge, { verdict, headers }: Charged): Submitted | Promise<Submitted> {
    const { id } = verdict;
    headers.location = `/v1/requests/${id}`;
    if (verdict.outcome === 'replayed') return this.firstJson(id, charge).then((json) => ({ id, json, headers }));
    if (charge.status === 'pending') this.signals.ready(charge.type);
    return { id, json: admittedJson(verdict, charge), headers };
  }

  /** What the first call was answered, whatever became of the request since, even if retention has taken it. */
  private async firstJson(id: string, { userId, type, payloadJson, idempotency }: Charge): Promise<string> {
    const first = idempotency === null ? null : await this.repository.firstAnswer(userId, idempotency.key);
    // The body of a retry is the same by its fingerprint: echoing its payload keeps even the order of members.
    if (first?.id === id) return rememberedJson(first, userId, type, payloadJson);
    const request = await this.repository.find(id, userId);
    if (request === null) throw new NotFoundProblem('request');
    return asSubmittedJson(request, payloadJson);
  }
}

/** The instant in UTC, to the millisecond. @throws ValidationProblem for one that no calendar has */
function instantOf(text: string): string {
  const at = new Date(text);
  if (!Number.isNaN(at.getTime())) return at.toISOString();
  throw new ValidationProblem([{ pointer: '#/deadlineAt', detail: 'is not an instant of the calendar', code: 'no-such-instant' }]);
}

function assertAhead({ deadline }: Charge, now: Date): void {
  if (!isInstant(deadline)) throw new ValidationProblem([{ pointer: '#/deadlineAt', detail: 'is on a day that there is not', code: 'is-instant' }]);
  if (new Date(deadline as string) > now) return;
  throw new ValidationProblem([{ pointer: '#/deadlineAt', detail: 'is in the past', code: 'in-the-past' }]);
}
