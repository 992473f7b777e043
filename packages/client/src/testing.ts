import { type Schemas } from './client';
import { type Charge, FakeBooks, type FakeRequest, type FakeUser } from './fake-books';
import { credentialsInvalid, credentialsMissing, notInTheFake, Refused, scopeRequired } from './fake-answers';
import { type Fetch } from './retries';

export interface FakeUserOptions {
  /** Units a day, 100 by default; null: without a limit. */
  dailyQuota?: number | null;
  tier?: string;
}

/** What a test is given of a user: enough for `createClient`. */
export type FakeAccount = Pick<FakeUser, 'id' | 'key'>;

export interface FakeOptions {
  /** What a request of a type costs, in units; 1 where it is not named. */
  costs?: Record<string, number>;
}

interface Call {
  user: FakeUser;
  headers: Headers;
  /** What the pattern of the route found in the path: the request's id. */
  id: string;
  body: unknown;
  signal: AbortSignal;
}

type Route = [method: string, path: RegExp, handle: (call: Call) => Response | Promise<Response>, scope?: string];

const LEASE_SECONDS = 60;
const USER_SCOPES = ['requests:read', 'requests:write', 'quota:read'];

/**
 * A Quotidian in memory, for unit tests: `createClient({ baseUrl: fake.url, apiKey: user.key, fetch: fake.fetch })`. It submits, meters,
 * refuses, refunds and hands out work as the service does with its default settings, in UTC; the repository's tests hold it to the real
 * one. Bodies are not checked, which their types do, and what it does not know is answered 501 `not-in-the-fake`.
 */
export class FakeQuotidian {
  readonly url = 'https://quotidian.fake';
  private readonly books = new FakeBooks();
  private readonly users = new Map<string, FakeUser>();
  private readonly costs: Record<string, number>;
  private waiting: (() => void)[] = [];

  constructor({ costs = {} }: FakeOptions = {}) {
    this.costs = costs;
  }

  /** Somebody whose key submits, reads and pays. */
  addUser({ dailyQuota = 100, tier = 'free' }: FakeUserOptions = {}): FakeAccount {
    return this.add({ dailyQuota, tier, scopes: USER_SCOPES });
  }

  /** A key with the scope `worker`: it claims and ends requests, and ends what a gateway check holds. */
  addWorker(): FakeAccount {
    return this.add({ dailyQuota: null, tier: 'free', scopes: [...USER_SCOPES, 'worker'] });
  }

  /** Moves the fake's clock on, in seconds: days change, leases and holds end, deadlines pass. */
  advance(seconds: number): void {
    this.books.ahead += seconds * 1_000;
    this.wake();
  }

  /** The fake's time. */
  get now(): Date {
    return new Date(this.books.now);
  }

  /** What `createClient`, `createMeter` and the middleware have as `fetch`. */
  readonly fetch: Fetch = async (request) => {
    request.signal.throwIfAborted();
    try {
      return await this.answer(request);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const { status, problem, headers } = error.refusal;
      const instance = `urn:quotidian:request:${crypto.randomUUID()}`;
      return new Response(JSON.stringify({ ...problem, instance }), { status, headers: { ...headers, 'content-type': 'application/problem+json' } });
    }
  };

  private readonly routes: Route[] = [
    ['POST', /^\/v1\/requests$/, ({ user, body, headers }) => this.submit(user, body as Schemas['SubmitRequestDto'], headers.get('idempotency-key'))],
    ['POST', /^\/v1\/requests\/batch$/, ({ user, body }) => this.batch(user, body as Schemas['BatchDto'])],
    ['POST', /^\/v1\/requests\/claim$/, ({ body, signal }) => this.claim(body as Schemas['ClaimDto'], signal), 'worker'],
    ['POST', /^\/v1\/requests\/complete$/, ({ body }) => this.completeAll(body as Schemas['CompleteAllDto']), 'worker'],
    ['GET', /^\/v1\/requests\/([^/]+)$/, ({ user, id }) => Response.json(this.books.read(id, user))],
    ['POST', /^\/v1\/requests\/([^/]+)\/cancel$/, ({ user, id }) => this.cancel(user, id)],
    ['POST', /^\/v1\/requests\/([^/]+)\/heartbeat$/, ({ id, body }) => this.heartbeat(id, body as Schemas['HeartbeatDto']), 'worker'],
    ['POST', /^\/v1\/requests\/([^/]+)\/complete$/, ({ id, body }) => Response.json(this.books.complete(id, body as Schemas['CompleteDto'])), 'worker'],
    ['POST', /^\/v1\/requests\/([^/]+)\/fail$/, ({ id, body }) => this.fail(id, body as Schemas['FailDto']), 'worker'],
    ['GET', /^\/v1\/users\/me\/quota$/, ({ user }) => this.quota(user)],
    ['GET|POST', /^\/v1\/authorize$/, ({ user, headers }) => this.authorize(user, headers)],
  ];

  private add(user: Pick<FakeUser, 'dailyQuota' | 'tier' | 'scopes'>): FakeAccount {
    const id = this.users.size + 1;
    const key = `qk_fake_${id}`;
    this.users.set(key, { ...user, id, key, used: new Map(), charges: new Map() });
    return { id, key };
  }

  private async answer(request: Request): Promise<Response> {
    const { method, headers, signal } = request;
    const { pathname } = new URL(request.url);
    const user = this.userOf(headers);
    const text = await request.text();
    for (const [methods, path, handle, scope] of this.routes) {
      const match = methods.split('|').includes(method) ? path.exec(pathname) : null;
      if (match === null) continue;
      if (scope !== undefined && !user.scopes.includes(scope)) throw scopeRequired(scope);
      return handle({ user, headers, id: match[1] ?? '', body: text === '' ? {} : JSON.parse(text), signal });
    }
    throw notInTheFake(`${method} ${pathname}`);
  }

  private userOf(headers: Headers): FakeUser {
    const credential = headers.get('authorization');
    if (credential === null) throw credentialsMissing();
    const user = this.users.get(credential.replace(/^Bearer /i, ''));
    if (user === undefined) throw credentialsInvalid();
    return user;
  }

  private chargeOf({ type, payload = {}, deadlineAt = undefined }: Schemas['SubmitRequestDto'], idempotencyKey: string | null): Charge {
    return { type, payload, cost: this.costs[type] ?? 1, deadlineAt: deadlineAt === undefined ? null : new Date(deadlineAt).toISOString(), idempotencyKey };
  }

  private submit(user: FakeUser, body: Schemas['SubmitRequestDto'], key: string | null): Response {
    const { request, isReplay, fields } = this.books.charge(user, this.chargeOf(body, key));
    this.wake();
    return Response.json(request, { status: 201, headers: { ...fields, location: `/v1/requests/${request.id}`, ...replayed(isReplay) } });
  }

  private batch(user: FakeUser, { items }: Schemas['BatchDto']): Response {
    const answers = items.map((item, i) => itemAnswer(i, 201, () => this.books.charge(user, this.chargeOf(item, item.idempotencyKey ?? null)).request));
    this.wake();
    return Response.json({ items: answers });
  }

  private completeAll({ items }: Schemas['CompleteAllDto']): Response {
    return Response.json({ items: items.map(({ id, ...result }, i) => itemAnswer(i, 200, () => this.books.complete(id, result))) });
  }

  private cancel(user: FakeUser, id: string): Response {
    const { request, refunded } = this.books.cancel(id, user);
    return Response.json({ ...request, refunded });
  }

  private heartbeat(id: string, { attempt, leaseSeconds = LEASE_SECONDS }: Schemas['HeartbeatDto']): Response {
    return Response.json(this.books.heartbeat(id, attempt, leaseSeconds));
  }

  private fail(id: string, body: Schemas['FailDto']): Response {
    const request = this.books.fail(id, body);
    this.wake();
    return Response.json(request);
  }

  private async claim({ types, limit = 1, leaseSeconds = LEASE_SECONDS, waitSeconds = 0 }: Schemas['ClaimDto'], signal: AbortSignal): Promise<Response> {
    const until = Date.now() + waitSeconds * 1_000;
    for (;;) {
      const items = this.books.claim(types, limit, leaseSeconds);
      if (items.length > 0 || Date.now() >= until) return Response.json({ items });
      await this.change(until - Date.now(), signal);
    }
  }

  private quota(user: FakeUser): Response {
    const { startsAt, endsAt } = this.books.dayOf({ ...user, dailyQuota: 0 }) as { startsAt: number; endsAt: number };
    const used = this.books.usedToday(user);
    const { dailyQuota: limit, tier } = user;
    const period = { periodStart: new Date(startsAt).toISOString(), resetsAt: new Date(endsAt).toISOString(), timeZone: 'Etc/UTC', dayStartsAt: '00:00' };
    const remaining = limit === null ? null : Math.max(0, limit - used);
    const unset = { adjusted: [], override: null, next: null };
    const exhaustedAt = exhaustion({ used, remaining, startsAt, endsAt, now: this.books.now });
    const quota: Schemas['QuotaDto'] = { ...period, limit, unlimited: limit === null, used, remaining, tier, exhaustedAt, ...unset };
    return Response.json(quota, { headers: this.books.fieldsOf(user) });
  }

  private authorize(user: FakeUser, headers: Headers): Response {
    const type = headers.get('x-quota-type') ?? 'gateway';
    const cost = Number(headers.get('x-quota-cost') ?? this.costs[type] ?? 1);
    const holdSeconds = Number(headers.get('x-quota-hold') ?? 0);
    const charge = { type, cost, payload: {}, deadlineAt: null, holdSeconds, idempotencyKey: headers.get('idempotency-key') };
    const { request, isReplay, fields } = this.books.charge(user, charge);
    const named = { 'x-user-id': String(user.id), 'x-user-tier': user.tier, 'x-charge-id': request.id };
    return new Response(null, { status: 204, headers: { ...fields, ...named, ...replayed(isReplay) } });
  }

  private wake(): void {
    for (const resume of this.waiting.splice(0)) resume();
  }

  /** Until something was submitted or put back, the clock was moved, or the time is up. @throws what the signal was aborted with */
  private change(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        settle();
      };
      const abort = end(() => reject(signal.reason as Error));
      const timer = setTimeout(end(resolve), ms);
      signal.addEventListener('abort', abort);
      this.waiting.push(end(resolve));
    });
  }
}

const replayed = (isReplay: boolean): Record<string, string> => (isReplay ? { 'idempotency-replayed': 'true' } : {});

/** An item of an answer to many: what it alone would have been answered. */
function itemAnswer(index: number, status: number, act: () => FakeRequest): object {
  try {
    return { status, request: { ...act() } };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { refusal } = error;
    return { status: refusal.status, problem: { ...refusal.problem, instance: `urn:quotidian:request:${crypto.randomUUID()}#/items/${index}` } };
  }
}

/** When nothing is left at the pace of the period until now; null: the period is over before. */
function exhaustion(of: { used: number; remaining: number | null; startsAt: number; endsAt: number; now: number }): string | null {
  const { used, remaining, startsAt, endsAt, now } = of;
  if (remaining === null || used <= 0) return null;
  const at = now + (remaining * (now - startsAt)) / used;
  return remaining === 0 || at < endsAt ? new Date(at).toISOString() : null;
}
