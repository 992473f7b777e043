import { Problem } from '../http/problem';
import { type CapState, type QuotaState } from '../ledger/charge';
import { type FlightState, type LimitState } from '../ledger/decision';
import { MAX_QUOTA } from '../tiers/dto/create-tier.dto';
import { burstFields, type BurstState, rateLimitFields, secondsLeft, secondsUntil, unitsLeft } from './rate-limit-fields';

const QUOTA_EXCEEDED = 'https://iana.org/assignments/http-problem-types#quota-exceeded';

const UNITS = { type: 'integer', format: 'int32', minimum: 0, maximum: MAX_QUOTA };
const POLICIES = {
  type: 'array',
  minItems: 1,
  maxItems: 12,
  items: { type: 'string', description: '`daily`, `key`, `burst`, or the name of a limit of the plan.' },
};

/** What a refusal states of the day, or of a key's own share of it. */
interface Spent {
  /** What refused it, and whatever else would have. */
  violated: string[];
  what: string;
  limit: number;
  used: number;
  /** Units left, with those of grants. */
  remaining: number;
  /** Of those, the units of grants. */
  granted: number;
  /** When there is room again, in milliseconds since 1970. */
  endsAt: number;
}

/** The daily quota does not hold the cost today. */
export class QuotaExceeded extends Problem {
  static override readonly status = 429;
  static override readonly code: string = 'quota-exceeded';
  static override readonly type = QUOTA_EXCEEDED;
  static override readonly title = 'Quota exceeded';
  static override readonly fields = ['Retry-After', 'RateLimit?', 'RateLimit-Policy?'];
  static override readonly members = {
    'violated-policies': POLICIES,
    limit: UNITS,
    used: UNITS,
    requested: UNITS,
    remaining: UNITS,
    resetsAt: { type: 'string', format: 'date-time' },
    timeZone: { type: 'string' },
  };

  constructor(requested: number, state: QuotaState, { violated, what, limit, used, remaining, granted, endsAt }: Spent, headers: Record<string, string>) {
    const resetsAt = new Date(endsAt).toISOString();
    const beside = granted > 0 ? ` and ${granted} of grants` : '';
    const detail =
      requested > limit + granted
        ? `The request costs ${requested}, more than ${what} of ${limit} units${beside}: waiting does not help.`
        : `The request costs ${requested}, and ${remaining - granted} of ${limit} units of ${what}${beside} are left. It begins anew at ${resetsAt}.`;
    super(detail, { headers, members: { 'violated-policies': violated, limit, used, requested, remaining, resetsAt, timeZone: state.zone } });
  }
}

/** The key's own share of the daily quota does not hold the cost today. */
export class KeyCapExceeded extends QuotaExceeded {
  static override readonly code = 'key-cap-exceeded';
}

/** The cost is larger than the whole quota, or the whole share. */
export class CostExceedsQuota extends QuotaExceeded {
  static override readonly code = 'cost-exceeds-quota';
}

/** A limit of the plan beside the daily quota does not hold the cost in its period. */
export class LimitExceeded extends QuotaExceeded {
  static override readonly code = 'limit-exceeded';
}

/** What refused a charge first: the day, the key's share of it, or a limit of another period. */
export type RefusedBy = 'daily' | 'key' | 'limit';

/** Seconds until whatever refused it has room again: the latest of all. */
export function secondsUntilRoom(state: QuotaState, by: RefusedBy): number {
  return Math.max(by === 'limit' ? 0 : secondsLeft(state), ...overOf(state).map(({ endsAt }) => secondsUntil(endsAt, state.now)));
}

/** A day without a limit ends where its counter does. */
export function quotaRefusal(requested: number, state: QuotaState, cap: CapState | null, by: RefusedBy, headers: Record<string, string>): QuotaExceeded {
  const spent = { ...spentOf(state, cap, by), violated: [...(by === 'limit' ? [] : [by]), ...overOf(state).map(({ name }) => name)] };
  const kind = requested > spent.limit + spent.granted ? CostExceedsQuota : KINDS[by];
  return new kind(requested, state, spent, headers);
}

const KINDS = { daily: QuotaExceeded, key: KeyCapExceeded, limit: LimitExceeded };

function overOf({ limits = [] }: QuotaState): LimitState[] {
  return limits.filter(({ over }) => over);
}

function spentOf(state: QuotaState, cap: CapState | null, by: RefusedBy): Omit<Spent, 'violated'> {
  const [latest] = overOf(state).sort((a, b) => b.endsAt - a.endsAt);
  if (by === 'limit' && latest) {
    const { name, limit, used, endsAt } = latest;
    return { what: `the limit “${name}”`, limit, used, remaining: Math.max(0, limit - used), granted: 0, endsAt };
  }
  if (by !== 'key' || cap === null) return dayOf(state);
  const remaining = Math.max(0, cap.cap - cap.used);
  return { what: "this API key's share of the daily quota", limit: cap.cap, used: cap.used, remaining, granted: 0, endsAt: state.endsAt };
}

function dayOf({ unlimited, quota, used, granted, endsAt }: QuotaState): Omit<Spent, 'violated'> {
  const limit = unlimited ? MAX_QUOTA : quota;
  const left = Math.min(granted, MAX_QUOTA - Math.max(0, limit - used));
  return { what: 'the daily quota', limit, used, remaining: Math.max(0, limit - used) + left, granted: left, endsAt };
}

/**
 * More requests in a short time than the tier takes. Costs no quota. Shows the day too, where that is known: waiting for the
 * minute is of no use once the day is used up.
 */
export class BurstExceeded extends Problem {
  static override readonly status = 429;
  static override readonly code = 'burst-exceeded';
  static override readonly type = QUOTA_EXCEEDED;
  static override readonly title = 'Burst limit exceeded';
  static override readonly fields = ['Retry-After', 'RateLimit', 'RateLimit-Policy'];
  static override readonly members = {
    'violated-policies': POLICIES,
    limit: { ...UNITS, description: 'Requests a minute. The other members are those of the day, where it is known.' },
    'used?': UNITS,
    'remaining?': UNITS,
    'resetsAt?': { type: 'string', format: 'date-time' },
    'timeZone?': { type: 'string' },
  };

  constructor(cost: number, burst: BurstState, day: QuotaState | null, spreadSeconds = 0) {
    const { perMinute, nextInSeconds } = burst;
    const exhausted = day !== null && !day.unlimited && cost > unitsLeft(day);
    const retryAfterSeconds = spreadSeconds + (exhausted ? Math.max(nextInSeconds, secondsLeft(day)) : nextInSeconds);
    const fields = day === null ? burstFields(burst) : rateLimitFields(day, null, burst);
    super(`More than ${perMinute} requests a minute: try again in ${retryAfterSeconds} s. Nothing was charged.`, {
      headers: { ...fields, 'retry-after': String(retryAfterSeconds) },
      members: { 'violated-policies': exhausted ? ['burst', 'daily'] : ['burst'], limit: perMinute, ...(day === null ? {} : membersOf(day)) },
    });
  }
}

/** Of the day, beside the limit that was hit. */
function membersOf(day: QuotaState): Record<string, unknown> {
  const { unlimited, used, endsAt, zone } = day;
  return { used, ...(unlimited ? {} : { remaining: unitsLeft(day) }), resetsAt: new Date(endsAt).toISOString(), timeZone: zone };
}

/** Nobody knows when somebody's request ends: soon enough to be of use, seldom enough to be no load. */
const ENDS_SOON_SECONDS = 1;

/** As many units are in flight, admitted and not ended, as may be. Costs no quota, and no burst. */
export class TooManyInFlight extends Problem {
  static override readonly status = 429;
  static override readonly code = 'too-many-in-flight';
  static override readonly type = QUOTA_EXCEEDED;
  static override readonly title = 'Too much in flight';
  static override readonly fields = ['Retry-After', 'RateLimit?', 'RateLimit-Policy?'];
  static override readonly members = {
    'violated-policies': { type: 'array', minItems: 1, maxItems: 1, items: { type: 'string', enum: ['in-flight'] } },
    limit: { ...UNITS, description: 'Units that may be in flight, of the type `requestType` or of all.' },
    used: UNITS,
    requested: UNITS,
    remaining: UNITS,
    requestType: { type: 'string', nullable: true, description: 'The type of requests whose limit it is; null: of all.' },
  };

  constructor(requested: number, { type, max, used }: FlightState, spreadSeconds: number, fields: Record<string, string>) {
    const remaining = Math.max(0, max - used);
    const which = type === null ? '' : ` of type ${type}`;
    const detail =
      requested > max
        ? `The request costs ${requested}, more than the ${max} units${which} that may be in flight: waiting does not help.`
        : `The request costs ${requested}, and ${used} of ${max} units${which} are in flight: try again when some have ended. Nothing was charged.`;
    super(detail, {
      headers: { ...fields, 'retry-after': String(ENDS_SOON_SECONDS + spreadSeconds) },
      members: { 'violated-policies': ['in-flight'], limit: max, used, requested, remaining, requestType: type },
    });
  }
}

export class UserSuspended extends Problem {
  static override readonly status = 403;
  static override readonly code = 'user-suspended';

  constructor() {
    super('The account is suspended.');
  }
}
