import { jsonInstant } from '../outbox/listened.sql';

/** Null for a day that is in no calendar: one row's must not fail the list that shows others too. */
const DAY_OF_CHANGE = `CASE WHEN u.next_tier_from BETWEEN '1970-01-01' AND '9999-12-30' THEN quota_day_start(u.next_tier_from, q.zone) END`;

/**
 * The change of plan that waits, as JSON `{ tier, dailyQuota, effectiveAt }`; null: none. `u` is a row of users, `q` its projection: one that is due is
 * in the projection already, whether or not the row was written since. It begins with the first period whose day is not before its date.
 */
export const NEXT_TIER = `(SELECT json_build_object('tier', coalesce(n.plan ->> 0, u.next_subscription_tier),
    'dailyQuota', CASE WHEN u.api_quota_custom THEN CASE WHEN NOT u.api_quota_unlimited THEN u.api_quota_daily END
      WHEN (n.plan ->> 1)::integer > u.next_quota_version THEN (n.plan ->> 3)::integer
      WHEN NOT u.next_quota_unlimited THEN u.next_quota_daily END,
    'effectiveAt', ${jsonInstant(`greatest(quota_period_end(q.day, q.period_zone, q.zone), ${DAY_OF_CHANGE})`)})
  FROM (SELECT quota_plans() -> u.next_subscription_tier AS plan) n
  WHERE u.next_subscription_tier IS NOT NULL AND (NOT q.closed OR coalesce(u.next_tier_from > q.day, false)))`;

/** The same, as it is read. */
export interface NextTier {
  tier: string;
  /** Units a day from then on; null when unlimited. */
  dailyQuota: number | null;
  effectiveAt: Date;
}
