import { Injectable } from '@nestjs/common';
import { ScopeRequired } from '../common/access.errors';
import { type Principal } from '../common/principal';
import { NotFoundProblem, ValidationProblem } from '../common/problem';
import { SettingsService } from '../configurations/settings.service';
import { DatabaseClock } from '../database/database-clock';
import { fingerprintOf } from '../idempotency/idempotency-key';
import { type Charge } from '../quotas/charge';
import { type Charged, ChargingService } from '../quotas/charging.service';
import { type SubmitRequestDto } from './dto/submit-request.dto';
import { PayloadTooLarge, UnknownType } from './requests.errors';
import { RequestsRepository } from './requests.repository';
import { listedType, RequestSettings } from './requests.settings';
import { admittedJson, asSubmittedJson } from './submission';

/** What `POST /v1/requests` answers: a request (`RequestDto`) as JSON, and fields of the header. */
export interface Submitted {
  json: string;
  headers: Record<string, string>;
}

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
  ) {}

  /**
   * @param idempotencyKey scoped to the user who is charged
   * @param isGone whether the client went away; asked until the charge is sent
   * @throws QuotaExceeded, BurstExceeded, ScopeRequired, UnknownType, PayloadTooLarge, IdempotencyKeyReused, NotFoundProblem, UserSuspended, QueueFull
   */
  async submit(principal: Principal, dto: SubmitRequestDto, idempotencyKey: string | null, isGone?: () => boolean): Promise<Submitted> {
    const charge = this.toCharge(principal, dto, idempotencyKey);
    if (dto.deadlineAt !== undefined && new Date(charge.deadline as string) <= (await this.clock.now())) {
      throw new ValidationProblem([{ pointer: '#/deadlineAt', detail: 'is in the past', code: 'in-the-past' }]);
    }
    charge.isGone = isGone;
    return this.answer(charge, await this.charging.charge(charge));
  }

  private toCharge(principal: Principal, dto: SubmitRequestDto, key: string | null): Charge {
    const isService = principal.scopes.has('service');
    const userId = dto.userId ?? principal.userId;
    if (userId !== principal.userId && !isService) throw new NotFoundProblem('user');
    if (dto.cost !== undefined && !isService) throw new ScopeRequired(['service']);
    const type = listedType(this.settings.get(RequestSettings.types), dto.type);
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
      idempotency: key === null ? null : { scope: 'requests', key, fingerprint: fingerprintOf(dto) },
    };
  }

  private async answer(charge: Charge, { verdict, headers }: Charged): Promise<Submitted> {
    const location = `/v1/requests/${verdict.id}`;
    if (verdict.outcome === 'admitted') return { json: admittedJson(verdict, charge), headers: { location, ...headers } };
    const request = await this.repository.findSubmitted(verdict.id, charge.userId);
    if (request === null) throw new NotFoundProblem('request');
    // The body of a retry is the same by its fingerprint: echoing its payload keeps even the order of members.
    return { json: asSubmittedJson(request, charge.payloadJson), headers: { location, ...headers } };
  }
}

/** The instant in UTC, to the millisecond. @throws ValidationProblem for one that no calendar has */
function instantOf(text: string): string {
  const at = new Date(text);
  if (!Number.isNaN(at.getTime())) return at.toISOString();
  throw new ValidationProblem([{ pointer: '#/deadlineAt', detail: 'is not an instant of the calendar', code: 'no-such-instant' }]);
}
