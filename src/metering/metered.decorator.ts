import { createParamDecorator, type ExecutionContext, Inject } from '@nestjs/common';
import { type FastifyReply } from 'fastify';
import { type EntityManager } from 'typeorm';
import { type AuthenticatedRequest } from '../common/access.decorators';
import { type Principal } from '../common/principal';
import { Repeatable } from '../idempotency/repeatable.decorator';
import { declares } from '../openapi/declarations';
import { Charges } from '../quotas/metered.decorators';
import { MeteredRoutes, RouteCall } from './metered-routes';
import { assertPrice } from './price';

/** What a cost may be reckoned from. The body has passed its DTO by then. */
export interface PricedCall<Body = unknown> {
  principal: Principal;
  body: Body;
  query: Record<string, unknown>;
  params: Record<string, string>;
}

/** Which failures of a handler give its units back: all, only those that are no fault of the caller's (5xx), or none. */
export type RefundOn = 'error' | 'fault' | 'never';

export interface MeteredOptions<Body = never> {
  /** What the charge is recorded as in the ledger: 1 to 50 of `a-z0-9._-`. */
  type: string;
  /**
   * Units, 1 or more. A number (1 by default) is what a call costs where the setting `requests.types` lists no cost of the type;
   * a function is asked for every call, and the setting is not.
   */
  cost?: number | ((call: PricedCall<Body>) => number);
  /** Default: `error`. How much goes back is the operator's: `failed` of the setting `quota.refundPolicy`. */
  refundOn?: RefundOn;
  /** For how many seconds the units are held while the handler runs, 1 to 3600; default 300. A call whose process died counts as done after them. */
  holdSeconds?: number;
  /** The handler writes rows of its own by `MeteredCall.transaction`, and the charge commits with them: nothing is held, nothing needs a refund. */
  together?: boolean;
  /** The fields of the answer's header that follow from its body, such as `Location`: of the first answer and of its replays. */
  headersOf?: (answer: never) => Record<string, string>;
}

/** The charge of the call that is being answered: `@CurrentCharge() charge: MeteredCall`. */
export interface MeteredCall {
  /** The request in the ledger that the charge is; null before the charge, which with `together` is in the transaction. */
  readonly id: string | null;
  /** Units that were charged. */
  readonly cost: number;
  /** What the call came to: what was charged beyond that goes back when the handler ends. @throws RangeError for more than `cost`, or below 0 */
  settle(units: number): void;
  /**
   * With `together`: runs the work, the charge before it and the answer that the call's Idempotency-Key keeps, all in one
   * transaction. It may run several times: nothing but what it writes to the database may be left of it.
   * @throws QuotaExceeded and what else refuses a charge; StoredAnswer for a repeated call
   */
  transaction<T extends object>(work: (tx: EntityManager) => Promise<T>): Promise<T>;
}

const ROUTES = Symbol('metered routes');
const CALL = Symbol('metered call');

type Handler = (this: { [ROUTES]: MeteredRoutes }, ...args: unknown[]) => unknown;
type Carrying = AuthenticatedRequest & { [CALL]?: RouteCall };

/** One for each request, however many of its parameters ask. */
const callOf = createParamDecorator((_: unknown, context: ExecutionContext): RouteCall => {
  const http = context.switchToHttp();
  const request = http.getRequest<Carrying>();
  return (request[CALL] ??= new RouteCall(request, http.getResponse<FastifyReply>()));
});

/** The charge of the call, in a handler that is `@Metered(…)`. */
export const CurrentCharge = callOf;

/**
 * Meters a handler: guards and validation first, then the charge, then the handler. Always true: a call that was refused did
 * not run; one that ran was charged before, once for all calls under its Idempotency-Key; what it came to is settled when the
 * handler ends, and given back when it throws, by `refundOn` and the operator's policy. The answer bears the rate-limit
 * fields and `X-Charge-Id`, and the document describes all of it. Needs no module of the feature's to be changed.
 * See docs/how-to/meter-a-route.md.
 */
export const Metered =
  <Body = never>(options: MeteredOptions<Body>): MethodDecorator =>
  (target, name, descriptor) => {
    assertPrice(options);
    const original = descriptor.value as Handler;
    const types = Reflect.getMetadata('design:paramtypes', target, name) as unknown[] | undefined;
    // One parameter more: what a handler was given has passed the pipes, which an interceptor runs before.
    const index = types?.length ?? original.length;
    callOf()(target, name, index);
    Inject(MeteredRoutes)(target, ROUTES);
    const operation = `${target.constructor.name}.${String(name)}`;
    const metered: Handler = function (...args) {
      return this[ROUTES].run(operation, options, args[index] as RouteCall, () => original.apply(this, args));
    };
    for (const key of Reflect.getMetadataKeys(original)) Reflect.defineMetadata(key, Reflect.getMetadata(key, original), metered);
    Object.defineProperty(metered, 'name', { value: original.name });
    descriptor.value = metered as never;
    for (const declare of [Charges(), Repeatable(), declares({ answers: { fields: ['X-Charge-Id?'] } })]) declare(target, name, descriptor);
  };
