import { Injectable } from '@nestjs/common';
import { type Principal } from '../common/principal';
import { headerText } from '../http/header-text';
import { ValidationProblem } from '../http/problem';
import { fingerprintOf } from '../idempotency/idempotency-key';
import { ChargeProof } from '../proofs/charge-proof';
import { type Charge } from '../ledger/charge';
import { type Charged, ChargingService } from '../quotas/charging.service';
import { listedType, RequestSettings } from '../requests/requests.settings';
import { SettingsService } from '../settings/settings.service';
import { fieldError, type GatewayCall } from './gateway-call';
import { ChargeRefunded } from './gateway.errors';
import { GatewayRepository } from './gateway.repository';
import { UncountedCalls } from './uncounted-calls';

/** The type of a charge that the proxy gave none. */
const TYPE = 'gateway';

/**
 * Charges for calls that a reverse proxy is about to forward. Always true: a call that is let through is a request in the
 * ledger, on disk before the proxy learns of it; a refused one leaves nothing behind. A reservation is charged like any
 * other call, and is `processing`, attempt 1, until a worker settles it or its lease runs out. A repeated yes is as good as
 * the charge behind it: once that went back, the answer is no. What is let through while the database cannot answer, where an
 * operator wants that, is the one exception: see `UncountedCalls`.
 */
@Injectable()
export class GatewayService {
  constructor(
    private readonly charging: ChargingService,
    private readonly settings: SettingsService,
    private readonly repository: GatewayRepository,
    private readonly proof: ChargeProof,
    private readonly uncounted: UncountedCalls,
  ) {}

  /**
   * Returns the fields of the answer's header.
   *
   * @param isGone whether the proxy hung up; asked until the charge is sent
   * @throws QuotaExceeded, BurstExceeded, ValidationProblem, IdempotencyKeyReused, ChargeRefunded, NotFoundProblem, UserSuspended, EmailUnverified, QueueFull, ClientGone
   */
  async check(principal: Principal, call: GatewayCall, idempotencyKey: string | null, isGone: () => boolean): Promise<Record<string, string>> {
    const { userId, keyId, hasCap } = principal;
    this.proof.assert(principal, userId);
    const type = call.type ?? TYPE;
    const charge: Charge = {
      userId,
      keyId,
      keyCap: hasCap ? 'own' : 'none',
      type,
      status: call.holdSeconds === null ? 'succeeded' : 'processing',
      holdSeconds: call.holdSeconds ?? undefined,
      cost: call.cost ?? this.costOf(type),
      shadow: listedType(this.settings.get(RequestSettings.types), type)?.shadow,
      payloadJson: '{}',
      idempotency: idempotencyKey === null ? null : { scope: 'authorize', key: idempotencyKey, fingerprint: fingerprintOf(call) },
      isGone,
    };
    // Nobody is charged by a key of which it is not known whether it still works.
    if (principal.unproven !== undefined) return this.letThrough(charge, principal.unproven, false);
    let charged: Charged;
    try {
      charged = await this.charging.charge(charge);
    } catch (error) {
      return this.letThrough(charge, error, true);
    }
    const { verdict, headers } = charged;
    if (verdict.outcome === 'replayed' && !(await this.repository.stands(verdict.id))) throw new ChargeRefunded();
    return { 'x-user-id': String(userId), 'x-user-tier': headerText(verdict.state.tier), 'x-charge-id': verdict.id, ...headers };
  }

  private letThrough(charge: Charge, failure: unknown, wasSent: boolean): Record<string, string> {
    this.uncounted.letThrough(charge, failure, wasSent);
    return { 'x-user-id': String(charge.userId), 'x-quota-uncounted': String(charge.cost) };
  }

  private costOf(type: string): number {
    const known = listedType(this.settings.get(RequestSettings.types), type);
    if (known === undefined && type !== TYPE && this.settings.get(RequestSettings.strictTypes)) {
      throw new ValidationProblem([fieldError('X-Quota-Type', `names "${type}", which is not one of the types that are taken here`, 'unknown-type')]);
    }
    return known?.cost ?? 1;
  }
}
