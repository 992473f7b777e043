import { type Schemas } from './client';
import { type Day, dayFields, keyReused, quotaRefusal, requestFinal, requestNotFound, staleAttempt } from './fake-answers';

export type FakeRequest = Schemas['RequestDto'];
type Outcome = NonNullable<Schemas['AttemptDto']['outcome']>;

/** Somebody with a key. */
export interface FakeUser {
  id: number;
  key: string;
  /** Units a day; null: without a limit. */
  dailyQuota: number | null;
  tier: string;
  scopes: readonly string[];
  /** Units used, by day. */
  used: Map<string, number>;
  charges: Map<string, { fingerprint: string; id: string }>;
}

interface Entry {
  request: FakeRequest;
  attempts: Schemas['AttemptDto'][];
  /** Milliseconds since 1970; 0 while nobody carries it out. */
  leaseEndsAt: number;
  /** Held by a gateway check: no worker claims it, and it succeeds when its hold is over. */
  isHold: boolean;
}

export interface Charge {
  type: string;
  cost: number;
  payload: Record<string, unknown>;
  deadlineAt: string | null;
  /** For the gateway check: seconds that it is held, 0 for a charge that is final at once. */
  holdSeconds?: number;
  idempotencyKey: string | null;
}

const DAY_MS = 86_400_000;
const MAX_ATTEMPTS = 3;
/** As `requests.retryBaseSeconds` has it by default; the fake knows no jitter. */
const RETRY_BASE_MS = 10_000;

/** The fake's requests and units. Nothing in it waits: each call is whole before the next begins, so it is exact. */
export class FakeBooks {
  /** Milliseconds that the fake's clock is ahead of the machine's. */
  ahead = 0;
  private readonly entries = new Map<string, Entry>();

  get now(): number {
    return Math.floor(Date.now() + this.ahead);
  }

  dayOf({ dailyQuota, used }: FakeUser): Day | null {
    const { now } = this;
    const startsAt = now - (now % DAY_MS);
    if (dailyQuota === null) return null;
    return { limit: dailyQuota, used: used.get(dateOf(now)) ?? 0, now, startsAt, endsAt: startsAt + DAY_MS };
  }

  /** The rate-limit fields as they are now; none without a limit. */
  fieldsOf(user: FakeUser): Record<string, string> {
    const day = this.dayOf(user);
    return day === null ? {} : dayFields(day);
  }

  usedToday({ used }: FakeUser): number {
    return used.get(dateOf(this.now)) ?? 0;
  }

  /** @throws Refused */
  charge(user: FakeUser, charge: Charge): { request: FakeRequest; isReplay: boolean; fields: Record<string, string> } {
    const { idempotencyKey, ...rest } = charge;
    const fingerprint = JSON.stringify(rest);
    const known = idempotencyKey === null ? undefined : user.charges.get(idempotencyKey);
    if (known !== undefined) {
      if (known.fingerprint !== fingerprint) throw keyReused();
      return { request: this.entry(known.id).request, isReplay: true, fields: this.fieldsOf(user) };
    }
    const day = this.dayOf(user);
    if (day !== null && day.used + charge.cost > day.limit) throw quotaRefusal(day, charge.cost);
    const request = this.add(user, charge);
    if (idempotencyKey !== null) user.charges.set(idempotencyKey, { fingerprint, id: request.id });
    return { request, isReplay: false, fields: this.fieldsOf(user) };
  }

  /** @throws Refused */
  read(id: string, owner?: FakeUser): Schemas['RequestDetailDto'] {
    const { request, attempts } = this.entry(id, owner);
    return { ...request, attempts };
  }

  claim(types: readonly string[], limit: number, leaseSeconds: number): Schemas['ClaimedRequestDto'][] {
    this.settleTime();
    const { now } = this;
    const due = ({ request, isHold }: Entry) =>
      !isHold && request.status === 'pending' && types.includes(request.type) && Date.parse(request.availableAt ?? request.createdAt) <= now;
    return [...this.entries.values()]
      .filter(due)
      .slice(0, limit)
      .map((entry) => {
        entry.leaseEndsAt = now + leaseSeconds * 1_000;
        this.begin(entry);
        return { ...entry.request, leaseExpiresAt: iso(entry.leaseEndsAt) };
      });
  }

  /** @throws Refused */
  heartbeat(id: string, attempt: number, leaseSeconds: number): Schemas['LeaseDto'] {
    const entry = this.underWay(id, attempt);
    entry.leaseEndsAt = this.now + leaseSeconds * 1_000;
    return { id, attempt, leaseExpiresAt: iso(entry.leaseEndsAt), cancelRequested: entry.request.cancelRequestedAt !== null };
  }

  /** @throws Refused */
  complete(id: string, { attempt, result = null, units }: Schemas['CompleteDto']): FakeRequest {
    const entry = this.underWay(id, attempt);
    if (units !== undefined) this.refund(entry, Math.max(0, entry.request.cost - units));
    return this.end(entry, 'succeeded', { result });
  }

  /** @throws Refused */
  fail(id: string, { attempt, error = null, retryable = false, units = 0 }: Schemas['FailDto']): FakeRequest {
    const entry = this.underWay(id, attempt);
    const isCanceled = entry.request.cancelRequestedAt !== null;
    if (retryable && !isCanceled && attempt < MAX_ATTEMPTS) return this.putBack(entry, 'returned', error, RETRY_BASE_MS * 2 ** (attempt - 1));
    this.refund(entry, isCanceled ? Math.max(0, entry.request.cost - units) : entry.request.cost);
    return this.end(entry, isCanceled ? 'canceled' : 'failed', { error });
  }

  /** Ends what nobody carries out; a worker learns of it at its next heartbeat. @throws Refused */
  cancel(id: string, owner: FakeUser): { request: FakeRequest; refunded: number } {
    const entry = this.entry(id, owner);
    const { request } = entry;
    if (isFinal(request)) throw requestFinal(request);
    if (request.status === 'processing') {
      request.cancelRequestedAt ??= iso(this.now);
      request.updatedAt = iso(this.now);
      return { request, refunded: 0 };
    }
    request.cancelRequestedAt = iso(this.now);
    this.refund(entry, request.cost);
    return { request: this.end(entry, 'canceled', {}), refunded: request.cost };
  }

  private add(user: FakeUser, { type, cost, payload, deadlineAt, holdSeconds }: Charge): FakeRequest {
    const now = iso(this.now);
    const chargedOn = dateOf(this.now);
    const unset = { result: null, error: null, startedAt: null, finishedAt: null, availableAt: null, cancelRequestedAt: null };
    const request: FakeRequest = {
      ...unset,
      ...{ id: idAt(this.now), userId: user.id, type, status: 'pending', cost, refundedUnits: 0, chargedOn, payload },
      ...{ attempt: 0, createdAt: now, updatedAt: now, deadlineAt },
    };
    const entry: Entry = { request, attempts: [], leaseEndsAt: 0, isHold: holdSeconds !== undefined };
    user.used.set(chargedOn, (user.used.get(chargedOn) ?? 0) + cost);
    this.entries.set(request.id, entry);
    this.refundTo.set(request.id, user);
    if (holdSeconds === undefined) return request;
    this.begin(entry);
    entry.leaseEndsAt = this.now + holdSeconds * 1_000;
    return holdSeconds === 0 ? this.end(entry, 'succeeded', {}) : request;
  }

  private readonly refundTo = new Map<string, FakeUser>();

  /** @throws Refused if there is none, or it is another's */
  private entry(id: string, owner?: FakeUser): Entry {
    this.settleTime();
    const entry = this.entries.get(id);
    if (entry === undefined || (owner !== undefined && entry.request.userId !== owner.id)) throw requestNotFound();
    return entry;
  }

  private underWay(id: string, attempt: number): Entry {
    const entry = this.entry(id);
    if (isFinal(entry.request)) throw requestFinal(entry.request);
    if (entry.request.status !== 'processing' || entry.request.attempt !== attempt) throw staleAttempt(entry.request);
    return entry;
  }

  /** What the clock alone has changed: leases that ran out, holds and deadlines that are over. */
  private settleTime(): void {
    const { now } = this;
    for (const entry of this.entries.values()) {
      const { request, leaseEndsAt, isHold } = entry;
      if (isFinal(request)) continue;
      if (request.deadlineAt !== null && Date.parse(request.deadlineAt) <= now) {
        if (request.attempt === 0) this.refund(entry, request.cost);
        this.end(entry, 'expired', {});
      } else if (request.status === 'processing' && leaseEndsAt <= now) {
        if (isHold) this.end(entry, 'succeeded', {});
        else if (request.attempt < MAX_ATTEMPTS) this.putBack(entry, 'lost', null, 0);
        else {
          this.refund(entry, request.cost);
          this.end(entry, 'failed', {});
        }
      }
    }
  }

  private begin({ request, attempts }: Entry): void {
    const now = iso(this.now);
    Object.assign(request, { status: 'processing', attempt: request.attempt + 1, startedAt: now, updatedAt: now, availableAt: null });
    attempts.push({ attempt: request.attempt, startedAt: now, endedAt: null, outcome: null, error: null });
  }

  private putBack(entry: Entry, outcome: Outcome, error: unknown, afterMs: number): FakeRequest {
    this.closeAttempt(entry, outcome, error);
    return Object.assign(entry.request, { status: 'pending', error, updatedAt: iso(this.now), availableAt: iso(this.now + afterMs) });
  }

  private end(entry: Entry, status: FakeRequest['status'] & Outcome, { result = null, error = null }: { result?: unknown; error?: unknown }): FakeRequest {
    const now = iso(this.now);
    this.closeAttempt(entry, status, error);
    return Object.assign(entry.request, { status, result, error, finishedAt: now, updatedAt: now, availableAt: null });
  }

  private closeAttempt({ attempts }: Entry, outcome: Outcome, error: unknown): void {
    const running = attempts.find(({ endedAt }) => endedAt === null);
    if (running !== undefined) Object.assign(running, { endedAt: iso(this.now), outcome, error });
  }

  /** Units go back to the day that paid. */
  private refund({ request }: Entry, units: number): void {
    const { used } = this.refundTo.get(request.id) as FakeUser;
    used.set(request.chargedOn, (used.get(request.chargedOn) ?? 0) - units);
    request.refundedUnits += units;
  }
}

const isFinal = ({ status }: FakeRequest) => status !== 'pending' && status !== 'processing';
const iso = (at: number) => new Date(at).toISOString();
const dateOf = (at: number) => iso(at).slice(0, 10);

/** A UUIDv7. */
function idAt(at: number): string {
  const time = at.toString(16).padStart(12, '0');
  const random = crypto.randomUUID();
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(15)}`;
}
