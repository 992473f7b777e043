import { Injectable } from '@nestjs/common';
import { type FastifyReply } from 'fastify';
import { createHash } from 'node:crypto';
import { type EntityManager } from 'typeorm';
import { type AuthenticatedRequest } from '../common/access.decorators';
import { type IdempotentCall, idempotentCallOf } from '../idempotency/idempotency-key';
import { StoredAnswer } from '../idempotency/idempotency.errors';
import { IdempotencyService } from '../idempotency/idempotency.service';
import { ChargeProof } from '../proofs/charge-proof';
import { ChargingService } from '../quotas/charging.service';
import { type MeteredCall, type MeteredOptions, type PricedCall } from './metered.decorator';
import { type HeldCharge } from './held-charge';
import { MeteringService } from './metering.service';
import { type Price } from './price';

/** Longer answers are not kept: their call, repeated, runs again under the charge that it has. */
const MAX_KEPT_CHARS = 262_144;

type Together = <T extends object>(work: (tx: EntityManager) => Promise<T>) => Promise<T>;

/** What a metered handler is handed of its call. */
export class RouteCall implements MeteredCall {
  /** Set once the units are held. */
  held: HeldCharge | null = null;
  /** Set with `together`. */
  together: Together | null = null;
  /** Set once the transaction has committed. */
  committed: { id: string; headers: Record<string, string> } | null = null;
  cost = 0;

  constructor(
    readonly request: AuthenticatedRequest,
    readonly reply: FastifyReply,
  ) {}

  get id(): string | null {
    return this.held?.id ?? this.committed?.id ?? null;
  }

  settle(units: number): void {
    if (this.held === null) throw new Error('Nothing is held for this call: its charge commits with its rows, at its full cost.');
    this.held.settle(units);
  }

  transaction<T extends object>(work: (tx: EntityManager) => Promise<T>): Promise<T> {
    if (this.together === null) throw new Error('The charge of this call is made already: its route is to be @Metered({ together: true }).');
    return this.together(work);
  }
}

/** Runs handlers that are `@Metered(…)`. Always true: what is written there about them. */
@Injectable()
export class MeteredRoutes {
  constructor(
    private readonly metering: MeteringService,
    private readonly idempotency: IdempotencyService,
    private readonly charging: ChargingService,
    private readonly proof: ChargeProof,
  ) {}

  async run(operation: string, options: MeteredOptions, call: RouteCall, handler: () => unknown): Promise<unknown> {
    const { principal } = call.request;
    this.proof.assert(principal, principal.userId);
    const price = priceOf(options, call.request);
    const keyed = idempotentCallOf(call.request, { scope: scopeOf(operation), headersOf: options.headersOf ?? (() => ({})) });
    try {
      const answer = options.together ? await this.runTogether(price, call, keyed, handler) : await this.runOnce(options, price, call, keyed, handler);
      if (options.headersOf && !call.reply.sent) void call.reply.headers(options.headersOf(answer as never));
      return answer;
    } catch (error) {
      if (error instanceof StoredAnswer) Object.assign(error.headers, await this.charging.fieldsOf(call.request.principal.userId));
      throw error;
    }
  }

  /** The handler charges, within the transaction of its rows. */
  private async runTogether(price: Price, call: RouteCall, keyed: IdempotentCall | null, handler: () => unknown): Promise<unknown> {
    const { principal } = call.request;
    call.together = async (work) => {
      if (call.committed) throw new Error('A metered call has one transaction: this is its second.');
      const { answer, charge } = await this.metering.transaction(principal, price, work, { call: keyed, status: call.reply.statusCode });
      call.committed = charge;
      call.cost = charge.cost;
      void call.reply.headers(charge.headers);
      return answer;
    };
    const answer = await handler();
    if (call.committed === null) throw new Error('A metered handler answered without its transaction: nothing was charged.');
    return answer;
  }

  /** Once for all calls under the key, if there is one. */
  private async runOnce(options: MeteredOptions, price: Price, call: RouteCall, keyed: IdempotentCall | null, handler: () => unknown): Promise<unknown> {
    if (keyed === null) return this.runHeld(options, price, call, null, handler);
    const { userId } = call.request.principal;
    let answer: unknown;
    await this.idempotency.inParts({ ...keyed, userId }, async () => {
      answer = await this.runHeld(options, price, call, keyed, handler);
      const text = isJson(answer) ? JSON.stringify(answer) : '';
      const kept = text !== '' && text.length <= MAX_KEPT_CHARS && !call.reply.sent;
      return { status: call.reply.statusCode, text, kept };
    });
    return answer;
  }

  private runHeld(options: MeteredOptions, price: Price, call: RouteCall, keyed: IdempotentCall | null, handler: () => unknown): Promise<unknown> {
    const { request, reply } = call;
    const { refundOn, holdSeconds } = options;
    const begin = async (held: HeldCharge) => {
      call.held = held;
      call.cost = held.cost;
      // Before the handler, which may answer by itself; a refusal bears none of them.
      void reply.headers(held.headers);
      try {
        return await handler();
      } catch (error) {
        if (!reply.sent) for (const name of Object.keys(held.headers)) void reply.removeHeader(name);
        throw error;
      }
    };
    return this.metering.run(request.principal, price, begin, { refundOn, holdSeconds, call: keyed, isGone: () => request.raw.socket.destroyed });
  }
}

function priceOf({ type, cost }: MeteredOptions, { principal, body, query, params }: AuthenticatedRequest): Price & { fallback?: number } {
  if (typeof cost !== 'function') return { type, fallback: cost };
  return { type, cost: cost({ principal, body, query, params } as PricedCall<never>) };
}

/** The name of the operation as a scope of Idempotency-Keys, which are of 50 characters. */
function scopeOf(operation: string): string {
  const name = operation.length <= 42 ? operation : createHash('sha256').update(operation).digest('base64url').slice(0, 42);
  return `metered:${name}`;
}

/** Whether the answer is sent as JSON: neither text, nor bytes, nor a stream. */
function isJson(answer: unknown): answer is object {
  if (typeof answer !== 'object' || answer === null) return false;
  return (
    Array.isArray(answer) ||
    Object.getPrototypeOf(answer) === Object.prototype ||
    !('pipe' in answer || 'subscribe' in answer || 'getStream' in answer || Buffer.isBuffer(answer))
  );
}
