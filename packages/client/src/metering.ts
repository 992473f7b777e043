import { type Client } from './client';
import { type Problem, problemErrorOf } from './problem-error';
import { type Fetch, type Retries, withRetries } from './retries';

/** What is read of a call; Node's requests have it, and so have those of Express and Fastify. */
interface Call {
  headers: Record<string, string | string[] | undefined>;
}

/** What is used of Node's response, which Express passes on and Fastify has as `reply.raw`. */
interface RawResponse {
  statusCode: number;
  readonly writableFinished: boolean;
  setHeader(name: string, value: string): unknown;
  end(text: string): unknown;
  once(event: 'close', listener: () => void): unknown;
}

export interface MeterOptions<Request extends Call = Call> {
  /** Where Quotidian answers, without `/v1`. */
  baseUrl: string;
  /** What the charge is recorded as: 1 to 50 of `a-z0-9._-`. */
  type: string;
  /** Units; by default what the service lists for the type, or 1. */
  cost?: number | ((request: Request) => number);
  /** The caller's credential, their API key of Quotidian; by default the field `Authorization`. Undefined: there is none, which is 401. */
  credentialOf?: (request: Request) => string | undefined;
  /** A client with the scope `worker`: the units are held until the answer is out, and go back when it is a 5xx or never comes. */
  worker?: Client;
  /** With `worker`: for how many seconds they are held at most, 300 by default. */
  holdSeconds?: number;
  /** What becomes of calls that the service cannot decide: `refuse` (503, the default), or `allow`, uncharged. */
  whenUnavailable?: 'refuse' | 'allow';
  fetch?: Fetch;
  retries?: Retries;
}

/** The charge of a call: `chargeOf(request)`. */
export interface MeteredCharge {
  /** The request in Quotidian's ledger; null for a call that was let through uncharged. */
  id: string | null;
  userId: number | null;
  /** With `worker`: what the call came to; what is held beyond that goes back. */
  settle(units: number): void;
}

/** The charge of a call that was let through, for handlers. */
export function chargeOf(request: object): MeteredCharge | undefined {
  return (request as { charge?: MeteredCharge }).charge;
}

type Admission =
  { allowed: true; charge: Held; headers: Record<string, string> } | { allowed: false; status: number; headers: Record<string, string>; problem: Problem };
type Charged<Request> = Request & { charge?: MeteredCharge };

const FIELDS = ['ratelimit', 'ratelimit-policy', 'retry-after', 'www-authenticate'];
const HOLD_SECONDS = 300;

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

/** Middleware of Express, and of anything that has its form: charges the caller before the handler, and answers who has nothing left. */
export function meterExpress<Request extends Call = Call>(options: MeterOptions<Request>) {
  const meter = meterOf(options);
  // Of any request: what Express calls it with is known to its types, and not to ours.
  return (request: Call, response: RawResponse, next: (error?: unknown) => void): void => {
    meter(request as Request).then((admission) => {
      for (const [name, value] of Object.entries(admission.headers)) response.setHeader(name, value);
      if (!admission.allowed) {
        response.statusCode = admission.status;
        response.setHeader('content-type', 'application/problem+json');
        response.end(JSON.stringify(admission.problem));
        return;
      }
      (request as Charged<Call>).charge = admission.charge;
      settleAfter(response, admission.charge, options.worker);
      next();
    }, next);
  };
}

interface Reply {
  raw: RawResponse;
  code(status: number): unknown;
  header(name: string, value: string): unknown;
  send(body: unknown): unknown;
}

/** The same as a hook of Fastify: `{ preHandler: meterFastify(…) }` of a route, or `app.addHook('preHandler', meterFastify(…))`. */
export function meterFastify<Request extends Call = Call>(options: MeterOptions<Request>) {
  const meter = meterOf(options);
  return async (request: Call, reply: Reply): Promise<unknown> => {
    const admission = await meter(request as Request);
    for (const [name, value] of Object.entries(admission.headers)) reply.header(name, value);
    if (!admission.allowed) {
      reply.code(admission.status);
      reply.header('content-type', 'application/problem+json');
      reply.send(JSON.stringify(admission.problem));
      // Fastify goes no further with a hook that answered.
      return reply;
    }
    (request as Charged<Call>).charge = admission.charge;
    settleAfter(reply.raw, admission.charge, options.worker);
    return undefined;
  };
}

function meterOf<Request extends Call>(options: MeterOptions<Request>): (request: Request) => Promise<Admission> {
  const { baseUrl, type, cost, worker, holdSeconds = HOLD_SECONDS, whenUnavailable = 'refuse' } = options;
  const { credentialOf = ({ headers }) => headers.authorization as string | undefined, retries = {} } = options;
  const fetch = withRetries(options.fetch ?? ((request) => globalThis.fetch(request)), retries);
  const url = `${baseUrl.replace(/\/$/, '')}/v1/authorize`;
  return async (request) => {
    const credential = credentialOf(request);
    // A key of ours: one that the caller chose would let them repeat a charge for another call.
    const headers: Record<string, string> = { 'x-quota-type': type, 'idempotency-key': crypto.randomUUID() };
    if (credential !== undefined) headers.authorization = /^Bearer /i.test(credential) ? credential : `Bearer ${credential}`;
    const units = typeof cost === 'function' ? cost(request) : cost;
    if (units !== undefined) headers['x-quota-cost'] = String(units);
    if (worker) headers['x-quota-hold'] = String(holdSeconds);
    const answer = await fetch(new Request(url, { method: 'POST', headers })).catch(() => null);
    if (answer === null || answer.status >= 500) {
      if (whenUnavailable === 'allow') return { allowed: true, charge: new Held(null, null), headers: {} };
      return { allowed: false, status: 503, headers: { 'retry-after': '1' }, problem: UNAVAILABLE };
    }
    const passed = Object.fromEntries(FIELDS.flatMap((name) => (answer.headers.has(name) ? [[name, answer.headers.get(name) as string]] : [])));
    if (answer.status >= 300) return { allowed: false, status: answer.status, headers: passed, problem: (await problemErrorOf(answer)).problem };
    return { allowed: true, charge: new Held(answer.headers.get('x-charge-id'), Number(answer.headers.get('x-user-id'))), headers: passed };
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

/** Ends what is held, when the answer is out or its connection is gone. What cannot be ended stays charged, when the hold is over. */
function settleAfter(response: RawResponse, charge: Held, worker: Client | undefined): void {
  if (worker === undefined || charge.id === null) return;
  const path = { id: charge.id };
  response.once('close', () => {
    const wentWell = response.writableFinished && response.statusCode < 500;
    const ended = wentWell
      ? worker.POST('/v1/requests/{id}/complete', { params: { path }, body: { attempt: 1, units: charge.units, result: null } })
      : worker.POST('/v1/requests/{id}/fail', { params: { path }, body: { attempt: 1, error: { status: response.statusCode }, retryable: false } });
    ended.catch(() => undefined);
  });
}
