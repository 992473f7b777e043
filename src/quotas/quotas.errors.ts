import { Problem } from '../http/problem';
import { type CapState, type QuotaState } from '../ledger/charge';
import { LARGEST_QUOTA } from '../tiers/dto/create-tier.dto';
import { burstFields } from './rate-limit-fields';

const QUOTA_EXCEEDED = 'https://iana.org/assignments/http-problem-types#quota-exceeded';

/** The daily quota, or the key's own share of it, does not hold the cost today, or ever. A day without a limit ends where its counter does. */
export class QuotaExceeded extends Problem {
  constructor(requested: number, state: QuotaState, cap: CapState | null, by: 'daily' | 'key', headers: Record<string, string>) {
    const quota = { limit: state.unlimited ? LARGEST_QUOTA : state.quota, used: state.used };
    const { limit, used } = by === 'key' && cap ? { limit: cap.cap, used: cap.used } : quota;
    const never = requested > limit;
    const resetsAt = new Date(state.endsAt).toISOString();
    const what = by === 'key' ? "this API key's share of the daily quota" : 'the daily quota';
    const remaining = Math.max(0, limit - used);
    const detail = never
      ? `The request costs ${requested}, more than ${what} of ${limit} units: waiting does not help.`
      : `The request costs ${requested}, and ${remaining} of ${limit} units of ${what} are left. It begins anew at ${resetsAt}.`;
    super(429, never ? 'cost-exceeds-quota' : by === 'key' ? 'key-cap-exceeded' : 'quota-exceeded', detail, {
      type: QUOTA_EXCEEDED,
      title: 'Quota exceeded',
      headers,
      members: {
        'violated-policies': [by],
        limit,
        used,
        requested,
        remaining,
        resetsAt,
        timeZone: state.zone,
      },
    });
  }
}

/** More requests in a short time than the tier takes. Costs no quota. */
export class BurstExceeded extends Problem {
  constructor(perMinute: number, retryAfterSeconds: number, headers: Record<string, string>) {
    super(429, 'burst-exceeded', `More than ${perMinute} requests a minute: try again in ${retryAfterSeconds} s. Nothing was charged.`, {
      type: QUOTA_EXCEEDED,
      title: 'Burst limit exceeded',
      headers: { ...burstFields({ perMinute, remaining: 0, nextInSeconds: retryAfterSeconds }), ...headers, 'retry-after': String(retryAfterSeconds) },
      members: { 'violated-policies': ['burst'], limit: perMinute },
    });
  }
}

export class UserSuspended extends Problem {
  constructor() {
    super(403, 'user-suspended', 'The account is suspended.');
  }
}
