import { type Client } from './client';
import { type Problem, problemErrorOf } from './problem-error';
import { type Fetch, type Retries, withRetries } from './retries';

/** What is read of a call; Node's requests have it, and so have those of Express and Fastify. */
export interface MeterableCall {
  headers: Record<string, string | string[] | undefined>;
}

/** What is used of Node's response, which Express passes on and Fastify has as `reply.raw`. */
export interface MeterableResponse {
  statusCode: number;
  readonly writableFinished: boolean;
  once(event: 'close', listener: () => void): unknown;
}

/** What is the same for all calls of a server. */
export interface MeterBase<Request extends MeterableCall = MeterableCall> {
  /** Where Quotidian answers, without `/v1`. */
  baseUrl: string;
  /** The caller's credential, their API key of Quotidian; by default the field `Authorization`. Undefined: there is none, which is 401. */
  credentialOf?: (request: Request) => string | undefined;
  /** A client with the scope `worker`: the units are held until the answer is out, and go back when it fails or never comes. */
  worker?: Client;
  /** What becomes of calls that the service cannot decide: `refuse` (503, the default), or `allow`, uncharged. */
  whenUnavailable?: 'refuse' | 'allow';
  /** Learns why a charge could not be ended, as with a key that lacks the scope `worker`; it stays charged. By default a warning of the process. */
  onError?: (error: unknown, chargeId: string) => void;
  fetch?: Fetch;
  retries?: Retries;
}

/** What a call is charged. */
export interface MeterPrice<Request extends MeterableCall = MeterableCall> {
  /** What the charge is recorded as: 1 to 50 of `a-z0-9._-`. */
  type: string;
  /** Units; by default what the service lists for the type, or 1. */
  cost?: number | ((request: Request) => number);
  /** With `worker`: for how many seconds they are held at most, 300 by default. */
  holdSeconds?: number;
  /**
   * With `worker`: which answers give the units back. `fault`, the default: a 5xx, or none, since the connection broke; `error`: a 4xx as
   * well; `never`: none. How much goes back is the operator's: `failed` of the setting `quota.refundPolicy`.
   */
  refundOn?: 'error' | 'fault' | 'never';
}

/** The charge of a call: `chargeOf(request)`. */
export interface MeteredCharge {
  /** The request in Quotidian's ledger; null for a call that was let through uncharged. */
  id: string | null;
  userId: number | null;
  /** With `worker`: what the call came to; what is held beyond that goes back. */
  settle(units: number): void;
}

/** What was decided of a call, with the rate-limit fields that its answer is to bear. */
export type Admission =
  | { allowed: true; charge: MeteredCharge; headers: Record<string, string> }
  | { allowed: false; status: number; headers: Record<string, string>; problem: Problem };

/** Charges a call, and ends its charge when the response closes. Never rejects, but for what `cost` and `credentialOf` throw. */
export type Meter<Request extends MeterableCall = MeterableCall> = (
  request: Request,
  response: MeterableResponse,
  price: MeterPrice<Request>,
) => Promise<Admission>;

type Charged = MeterableCall & { charge?: MeteredCharge };

const FIELDS = ['ratelimit', 'ratelimit-policy', 'retry-after', 'www-authenticate'];
const HOLD_SECONDS = 300;

/** The charge of a call that was let through, for handlers. */
export function chargeOf(request: object): MeteredCharge | undefined {
  return (request as { charge?: MeteredCharge }).charge;
}

class Held implements MeteredCharge {
  units: number | undefined;

  constructor(
    readonly id: string | null,
    readonly userId: number | null,
  ) {}

  settle(units: number): void {
    this.units = units;
  }
}

/** What the middleware for Express and Fastify is made of, and `@quotidian/nest`: for servers of another kind. */
export function createMeter<Request extends MeterableCall = MeterableCall>(base: MeterBase<Request>): Meter<Request> {
  const { worker, whenUnavailable = 'refuse', retries = {}, onError = warn } = base;
  const { credentialOf = ({ headers }) => headers.authorization as string | undefined } = base;
  const fetch = withRetries(base.fetch ?? ((request) => globalThis.fetch(request)), retries);
  const url = `${base.baseUrl.replace(/\/$/, '')}/v1/authorize`;
  return async (request, response, { type, cost, holdSeconds = HOLD_SECONDS, refundOn = 'fault' }) => {
    const credential = credentialOf(request);
    // A key of ours: one that the caller chose would let them repeat a charge for another call.
    const headers: Record<string, string> = { 'x-quota-type': type, 'idempotency-key': crypto.randomUUID() };
    if (credential !== undefined) headers.authorization = /^Bearer /i.test(credential) ? credential : `Bearer ${credential}`;
    const units = typeof cost === 'function' ? cost(request) : cost;
    if (units !== undefined) headers['x-quota-cost'] = String(units);
    if (worker) headers['x-quota-hold'] = String(holdSeconds);
    const answer = await fetch(new Request(url, { method: 'POST', headers })).catch(() => null);
    if (answer === null || answer.status >= 500) {
      if (whenUnavailable === 'allow') return { allowed: true, charge: ((request as Charged).charge = new Held(null, null)), headers: {} };
      return { allowed: false, status: 503, headers: { 'retry-after': '1' }, problem: UNAVAILABLE };
    }
    const passed = Object.fromEntries(FIELDS.flatMap((name) => (answer.headers.has(name) ? [[name, answer.headers.get(name) as string]] : [])));
    if (answer.status >= 300) return { allowed: false, status: answer.status, headers: passed, problem: (await problemErrorOf(answer)).problem };
    const charge = new Held(answer.headers.get('x-charge-id'), Number(answer.headers.get('x-user-id')));
    (request as Charged).charge = charge;
    if (worker) endAfter(response, charge, { worker, refundOn, onError });
    return { allowed: true, charge, headers: passed };
  };
}

const UNAVAILABLE: Problem = {
  type: 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity',
  title: 'Temporarily reduced capacity',
  status: 503,
  detail: 'Whether this call is within its quota cannot be found out now; nothing was done.',
  code: 'temporarily-unavailable',
  instance: 'urn:quotidian:meter',
};

type Ending = Required<Pick<MeterBase, 'worker' | 'onError'>> & { refundOn: 'error' | 'fault' | 'never' };

/** Ends what is held, when the answer is out or its connection is gone. What cannot be ended stays charged, when the hold is over. */
function endAfter(response: MeterableResponse, charge: Held, { worker, refundOn, onError }: Ending): void {
  const { id } = charge;
  if (id === null) return;
  const params = { path: { id } };
  const refundedFrom = { error: 400, fault: 500, never: Infinity }[refundOn];
  response.once('close', () => {
    const status = response.writableFinished ? response.statusCode : 599;
    const ended =
      status < refundedFrom
        ? worker.POST('/v1/requests/{id}/complete', { params, body: { attempt: 1, units: charge.units, result: null } })
        : worker.POST('/v1/requests/{id}/fail', { params, body: { attempt: 1, error: { status: response.statusCode }, retryable: false } });
    ended.catch((error: unknown) => onError(error, id));
  });
}

function warn(error: unknown, chargeId: string): void {
  const host = (globalThis as { process?: { emitWarning?: (text: string, name: string) => void } }).process;
  host?.emitWarning?.(`The charge ${chargeId} was not ended, and stays: ${String(error)}`, 'QuotidianMeter');
}
