import { buildStatement } from '../database/build-statement';
import { NOW_MS } from './charge.sql';
import { limitsOf } from './limits.sql';
import { GRANTED, isToRoll, overageLeft, overageUsed } from './forms.sql';

/** Where users stand, read without a lock: as of the statement's snapshot. */
export const STANDING = buildStatement(
  'standing',
  [
    {
      name: 'account',
      text: `SELECT u.id, u.status, quota_of(u, (SELECT quota_default_zone()), (SELECT quota_plans())) AS q, ${GRANTED} AS granted, CASE WHEN u.quota_forms THEN (SELECT o.overage FROM user_quota_forms o WHERE o.user_id = u.id) END AS own_overage,
  CASE WHEN u.quota_forms THEN (SELECT o.shadow FROM user_quota_forms o WHERE o.user_id = u.id) END AS own_shadow,
  u.quota_overage_today, u.quota_overage_date, u.quota_overage_fold, u.subscription_tier FROM users u WHERE u.id = ANY (:userIds::integer[]) AND u.status <> 'deleted' OFFSET 0`,
    },
  ],
  `SELECT a.id AS "userId", a.status = 'active' AS active, (a.q).used, a.granted, (${overageLeft('o.overage', overageUsed('a'))})::float8 AS beyond, ${isToRoll('a')} AS "toRoll",
  coalesce(a.own_shadow, ((SELECT quota_plans()) -> (a.q).tier::text -> 5 ->> 'shadow')::boolean, false) AS shadow, ${limitsOf('a.id', '(a.q).tier', '(a.q).zone')} AS limits, (a.q).unlimited, (a.q).quota, (a.q).tier, (a.q).zone, (a.q).day::text,
  (a.q).period_zone AS "periodZone", ${NOW_MS} AS now FROM account a CROSS JOIN LATERAL (SELECT coalesce(a.own_overage, (SELECT quota_plans()) -> (a.q).tier::text -> 5 -> 'overage') AS overage) o`,
);
