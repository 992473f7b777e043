import { Injectable, Logger } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { type EntityManager } from 'typeorm';
import { type Principal } from '../common/principal';
import { Problem } from '../http/problem';
import { fingerprintOf, type IdempotentCall } from '../idempotency/idempotency-key';
import { IdempotencyService } from '../idempotency/idempotency.service';
import { type Charge } from '../ledger/charge';
import { type Charged, ChargingService } from '../quotas/charging.service';
import { listedType, RequestSettings } from '../requests/requests.settings';
import { TransitionsService } from '../requests/working/transitions.service';
import { SettingsService } from '../settings/settings.service';
import { HeldCharge } from './held-charge';
import { type RefundOn } from './metered.decorator';
import { MeteringRepository } from './metering.repository';
import { assertPrice, type Price } from './price';

const HOLD_SECONDS = 300;

/** Who pays, and by which key: a principal is one. For somebody without a key of theirs: `{ userId, keyId: null, hasCap: false }`. */
export type Payer = Pick<Principal, 'userId' | 'keyId' | 'hasCap'>;

/** A price with what it is where the setting lists none. */
type Stated = Price & { fallback?: number };

/** A charge that is made, and the fields that an answer bears of it. */
export interface Paid {
  /** The request in the ledger. */
  id: string;
  cost: number;
  headers: Record<string, string>;
}

export interface RunOptions {
  refundOn?: RefundOn;
  /** For how long the units are held, 1 to 3600 seconds; default 300. */
  holdSeconds?: number;
  /** The call under whose Idempotency-Key it is charged once. The answer is the caller's to keep, by `IdempotencyService.inParts`. */
  call?: IdempotentCall | null;
  /** Whether nobody waits for the answer any more; asked until the charge is sent. */
  isGone?: () => boolean;
}

/**
 * Metering of whatever a feature does, from code; `@Metered` does the same for a route. Each charge is a request in the ledger,
 * decided with all others: exact over any number of replicas.
 */
@Injectable()
export class MeteringService {
  private readonly logger = new Logger(MeteringService.name);

  constructor(
    private readonly charging: ChargingService,
    private readonly transitions: TransitionsService,
    private readonly idempotency: IdempotencyService,
    private readonly settings: SettingsService,
    private readonly repository: MeteringRepository,
  ) {}

  /**
   * Charges for good, in no transaction of the caller's.
   * @throws QuotaExceeded, BurstExceeded, NotFoundProblem, UserSuspended, QueueFull
   */
  async charge(payer: Payer, price: Price): Promise<Paid> {
    const charge = this.toCharge(payer, price);
    return paid(charge, await this.charging.charge(charge));
  }

  /**
   * Charges and runs the work in one transaction: both are in force, or neither. The user's other charges wait for its commit,
   * so the work is to be statements and nothing that waits for somebody else.
   * @param kept the call whose Idempotency-Key keeps the answer, and the status that it is answered with (default: 201)
   * @throws what `charge` throws; StoredAnswer, IdempotencyKeyReused, IdempotencyKeyInUse for a repeated call
   */
  async transaction<T extends object>(
    payer: Payer,
    price: Price,
    work: (tx: EntityManager) => Promise<T>,
    { call = null, status = 201 }: { call?: IdempotentCall | null; status?: number } = {},
  ): Promise<{ answer: T; charge: Paid }> {
    const charge = this.toCharge(payer, price);
    // What is charged is bounded by its cost, and so are the answers that are kept of it.
    const keyed = call && { ...call, userId: payer.userId, bounded: false };
    if (keyed) await this.idempotency.assertNew(keyed);
    const burst = await this.charging.spendBurst(charge);
    let made: Charged | undefined;
    const chargeAndWork = async (tx: EntityManager) => {
      made = await this.charging.chargeWithin(tx, charge, burst);
      return work(tx);
    };
    const answer = await this.idempotency.transaction(keyed, chargeAndWork, { status });
    return { answer, charge: paid(charge, made as Charged) };
  }

  /** Charges within a transaction that the caller began and ends. @throws what `charge` throws */
  async chargeWithin(tx: EntityManager, payer: Payer, price: Price): Promise<Paid> {
    const charge = this.toCharge(payer, price);
    const burst = await this.charging.spendBurst(charge);
    return paid(charge, await this.charging.chargeWithin(tx, charge, burst));
  }

  /**
   * Holds the units, runs the work, and settles: what `held.settle(units)` stated, else all of it; by `refundOn` they go back when
   * the work throws. Where the process dies in between, the hold runs out, and the charge stands.
   * @throws what `charge` throws, and what the work throws
   */
  async run<T>(payer: Payer, price: Price, work: (held: HeldCharge) => Promise<T> | T, options: RunOptions = {}): Promise<T> {
    const held = await this.hold(payer, price, options);
    let answer: T;
    try {
      answer = await work(held);
    } catch (error) {
      await this.end(held, refunds(options.refundOn ?? 'error', error) ? { act: 'fail', errorJson: failureOf(error) } : { act: 'complete' });
      throw error;
    }
    await this.end(held, { act: 'complete', units: held.units });
    return answer;
  }

  private async hold(payer: Payer, price: Price, options: RunOptions): Promise<HeldCharge> {
    const { holdSeconds = HOLD_SECONDS, call = null, isGone } = options;
    assertPrice({ ...price, holdSeconds });
    const idempotency: Charge['idempotency'] = call && { scope: 'metered', key: keyOf(call), fingerprint: fingerprintOf(call.content) };
    const charge: Charge = { ...this.toCharge(payer, price), status: 'processing', holdSeconds, idempotency, isGone };
    for (;;) {
      const charged = await this.charging.charge(charge);
      const { verdict, headers } = charged;
      if (verdict.outcome === 'admitted') return new HeldCharge(verdict.id, charge.cost, true, paid(charge, charged).headers);
      // The same call before this one, which has left no answer: its process died, or its work failed.
      const standing = await this.repository.standing(verdict.id);
      const fields = { ...headers, 'x-charge-id': verdict.id };
      delete (fields as Record<string, string>)['idempotency-replayed'];
      if (standing !== null) return new HeldCharge(verdict.id, standing.cost, standing.isOpen, fields);
      await this.repository.forget(payer.userId, keyOf(call as IdempotentCall), verdict.id);
    }
  }

  /** What cannot be settled now is settled by the clock, at the full cost: the work is done, or has failed, whatever becomes of its units. */
  private async end({ id, isOpen }: HeldCharge, transition: { act: 'complete' | 'fail'; units?: number; errorJson?: string }): Promise<void> {
    if (!isOpen) return;
    try {
      await this.transitions.apply({ id, attempt: 1, retryable: false, ...transition });
    } catch (error) {
      this.logger.warn({ err: error, charge: id }, 'a metered call was not settled: its units stay charged');
    }
  }

  private toCharge({ userId, keyId, hasCap }: Payer, price: Stated): Charge {
    assertPrice(price);
    const { type, cost, fallback = 1 } = price;
    const listed = listedType(this.settings.get(RequestSettings.types), type);
    return {
      userId,
      keyId,
      keyCap: hasCap ? 'own' : 'none',
      type,
      status: 'succeeded',
      cost: cost ?? listed?.cost ?? fallback,
      shadow: listed?.shadow,
      payloadJson: '{}',
      idempotency: null,
    };
  }
}

function paid({ cost }: Charge, { verdict: { id }, headers }: Charged): Paid {
  return { id, cost, headers: { ...headers, 'x-charge-id': id } };
}

function refunds(refundOn: RefundOn, error: unknown): boolean {
  if (refundOn === 'never') return false;
  return refundOn === 'error' || !(error instanceof Problem) || error.getStatus() >= 500;
}

/** What the ledger keeps of a failure: no text of an error, which may hold what is nobody's business. */
function failureOf(error: unknown): string {
  return JSON.stringify({ code: error instanceof Problem ? error.code : 'handler-failed' });
}

/** A key of the charge's own: the caller's is that of the answer. */
function keyOf({ scope, key }: IdempotentCall): string {
  return createHash('sha256').update(`${scope} ${key}`).digest('base64url');
}
