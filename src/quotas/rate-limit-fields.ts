import { type CapState, type QuotaState } from '../ledger/charge';
import { MAX_QUOTA } from '../tiers/dto/create-tier.dto';

/** What is left of a burst limit: requests now, and seconds until there is one more. */
export interface BurstState {
  perMinute: number;
  remaining: number;
  nextInSeconds: number;
}

/**
 * `RateLimit-Policy` and `RateLimit` after draft-ietf-httpapi-ratelimit-headers-10: lists of structured-field strings.
 * `q` and `r` of the day are what may be charged until it ends: with what is left on grants. `w` is the real length of this period in seconds, 82,800 on a day of 23 hours; `t` the whole seconds until it ends,
 * rounded up. A user without any limit gets no fields. The user's id is in none of them.
 */
export function rateLimitFields(state: QuotaState, cap: CapState | null = null, burst: BurstState | null = null): Record<string, string> {
  let policies = '';
  let limits = '';
  const add = (name: string, q: number, w: number, r: number, t: number) => {
    const comma = policies === '' ? '' : ', ';
    policies += `${comma}"${name}";q=${q};w=${w}`;
    limits += `${comma}"${name}";r=${Math.max(0, r)};t=${t}`;
  };
  const w = Math.round((state.endsAt - state.startsAt) / 1_000);
  const t = secondsLeft(state);
  if (!state.unlimited) add('daily', Math.min(MAX_QUOTA, state.quota + state.granted), w, unitsLeft(state), t);
  for (const { name, limit, used, startsAt, endsAt } of state.limits ?? [])
    add(name, limit, Math.round((endsAt - startsAt) / 1_000), limit - used, secondsUntil(endsAt, state.now));
  if (cap) add('key', cap.cap, w, cap.cap - cap.used, t);
  if (burst) add('burst', burst.perMinute, 60, burst.remaining, burst.nextInSeconds);
  return policies === '' ? {} : { 'ratelimit-policy': policies, ratelimit: limits };
}

/** Units that may be charged now: what is left of the day's own, and of grants. Means nothing where the day is unlimited. */
export function unitsLeft({ quota, used, granted }: QuotaState): number {
  return Math.min(MAX_QUOTA, Math.max(0, quota - used) + granted);
}

/** What a refusal by burst can show without asking the database. */
export function burstFields({ perMinute, remaining, nextInSeconds }: BurstState): Record<string, string> {
  return { 'ratelimit-policy': `"burst";q=${perMinute};w=60`, ratelimit: `"burst";r=${remaining};t=${nextInSeconds}` };
}

/** Whole seconds until the period ends, rounded up, and never 0: a client that waits so long finds the next one. */
export function secondsLeft({ endsAt, now }: QuotaState): number {
  return secondsUntil(endsAt, now);
}

/** Whole seconds from one instant in milliseconds to another, rounded up, and never 0. */
export function secondsUntil(endsAt: number, now: number): number {
  return Math.max(1, Math.ceil((endsAt - now) / 1_000));
}
