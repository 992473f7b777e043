import { buildStatement, type BuiltStatement, type Cte } from '../database/build-statement';
import { MAX_UNITS } from './charge.sql';

/** The users of a zone: those who name it, or those who name none and go by the system's. */
const USERS_OF = { named: 'u.time_zone = :zone::text', inherited: 'u.time_zone IS NULL' };
/** The zone that their days are reckoned in. One that PostgreSQL does not know counts as the system's, as in `quota_of`. */
const IN_FORCE = { named: 'CASE WHEN quota_zone_known(:zone::text) THEN :zone::text ELSE quota_default_zone() END', inherited: 'quota_default_zone()' };

/** Computed once a statement, and never per row: what a day is held against. */
const clock = (kind: Kind): Cte => ({
  name: 'clock',
  materialized: true,
  text: `SELECT z.name AS zone, (now() AT TIME ZONE z.name)::date AS today FROM (SELECT ${IN_FORCE[kind]} AS name OFFSET 0) z`,
});
const TODAY = '(SELECT today FROM clock)';
const SAME_ZONE = 'coalesce(u.quota_reset_zone = (SELECT zone FROM clock), true)';

/**
 * Whether the stored day is over. Reckoned in the zone in force it is when that zone's date has passed it; after a change
 * of zone the projection is asked, and only where the answer may be yes: a period never ends before the date that it bears. It is
 * asked too where the plan may have an hour of its own at which days begin.
 */
const IS_OVER = `CASE WHEN coalesce((SELECT quota_plans()) ? u.subscription_tier, false) AND u.quota_reset_date <= ${TODAY} + 1
  THEN (quota_of(u, (SELECT quota_default_zone()), (SELECT quota_plans()))).closed
  WHEN ${SAME_ZONE} THEN u.quota_reset_date < ${TODAY}
  WHEN u.quota_reset_date > ${TODAY} THEN false
  ELSE (quota_of(u, (SELECT quota_default_zone()), (SELECT quota_plans()))).closed END`;

/**
 * Days that close and open exactly as `quota_of` projects it, without calling it: no change of zone or plan, no override, and
 * the copy of the plan in the row.
 */
const IS_PLAIN = `${SAME_ZONE} AND u.quota_reset_date < ${TODAY} AND u.quota_override_expires_at IS NULL AND u.next_subscription_tier IS NULL
  AND NOT coalesce((SELECT quota_plans()) ? u.subscription_tier, false)`;

/** A part of a range of ids, by their last bits. */
const SLICE = 'u.id > :after::integer AND u.id <= :upto::integer AND u.id & (:stride::integer - 1) = :rest::integer';

/** In the order of the index `users_time_zone_id_idx`, which IS NULL alone does not show the planner. */
const BY_ID = 'ORDER BY u.time_zone, u.id';

type Kind = keyof typeof USERS_OF;
/** One statement for a named zone, one for those who inherit theirs: null is not found by `=`. */
type PerKind = Readonly<Record<Kind, BuiltStatement>>;
const perKind = (build: (kind: Kind) => BuiltStatement): PerKind => ({ named: build('named'), inherited: build('inherited') });

/** The next users by id, whether there is something to close or not: how far they reach, how many they are, and whose day is over. */
export const SURVEY = perKind((kind) =>
  buildStatement(
    `day roll survey ${kind}`,
    [
      clock(kind),
      {
        name: 'next',
        text: `SELECT u.id, ${IS_OVER} AS over FROM users u WHERE ${USERS_OF[kind]} AND u.id > :after::integer ${BY_ID} LIMIT :count::integer`,
      },
    ],
    'SELECT max(id) AS upto, count(*)::integer AS seen, (count(*) FILTER (WHERE over))::integer AS due FROM next',
  ),
);

/**
 * Closes the plain days of a range of ids, of the ids whose last bits are `rest`, and returns how many. Users whom somebody holds are
 * skipped, so it waits for nobody. Only what was opened is archived, from the version that was locked: whoever leaves a
 * day archives it, once. A charge that waits for the slice finds the new day, and its guard sees it.
 *
 * By strides, because a page keeps room for a part of its rows: new versions of them all would spill over to other pages and
 * touch every index. Those of one stride fit, and make room for the next one when they are committed.
 */
export const ROLL = perKind((kind) =>
  buildStatement(
    `day roll ${kind}`,
    [
      clock(kind),
      {
        name: 'held',
        materialized: true,
        text: `
  SELECT u.id, u.quota_reset_date AS date, CASE WHEN NOT u.api_quota_unlimited THEN u.api_quota_daily END AS quota, u.api_quota_used_today AS used,
    u.api_quota_refunded_today AS refunded, u.api_quota_requests_today AS requests
  FROM users u
  WHERE ${USERS_OF[kind]} AND ${SLICE} AND ${IS_PLAIN}
  ${BY_ID} FOR NO KEY UPDATE SKIP LOCKED
`,
      },
      {
        name: 'opened',
        text: `
  UPDATE users u SET quota_reset_date = ${TODAY}, quota_reset_zone = (SELECT zone FROM clock), quota_reset_fold = 0,
    api_quota_used_today = 0, api_quota_refunded_today = 0, api_quota_requests_today = 0
  FROM held h WHERE u.id = h.id
  RETURNING h.id, h.date, h.quota, h.used, h.refunded, h.requests
`,
      },
      {
        name: 'archived',
        text: `
  INSERT INTO quota_usage (user_id, date, quota, used, refunded, requests)
  SELECT o.id, o.date, o.quota, o.used, o.refunded, o.requests FROM opened o WHERE o.requests > 0 OR o.used > 0
  ON CONFLICT (user_id, date) DO UPDATE SET used = least(${MAX_UNITS}, quota_usage.used::bigint + excluded.used),
    refunded = least(${MAX_UNITS}, quota_usage.refunded::bigint + excluded.refunded), requests = quota_usage.requests + excluded.requests
`,
      },
    ],
    'SELECT count(*)::integer AS closed FROM opened',
  ),
);

/** Closes the other days of a range: those that only the projection knows how to. */
export const ROLL_OTHERS = perKind((kind) =>
  buildStatement(
    `day roll others ${kind}`,
    [
      clock(kind),
      {
        name: 'held',
        materialized: true,
        text: `
  SELECT u.id FROM users u
  WHERE ${USERS_OF[kind]} AND ${SLICE} AND ${IS_OVER}
  ${BY_ID} FOR NO KEY UPDATE SKIP LOCKED
`,
      },
    ],
    'SELECT quota_close_out(ARRAY(SELECT id FROM held)) AS closed',
  ),
);

/** Users of the zone, for reporting how far a pass is. */
export const COUNT = perKind((kind) =>
  buildStatement(
    `day roll count ${kind}`,
    [{ name: 'counted', text: `SELECT count(*)::integer AS users FROM users u WHERE ${USERS_OF[kind]}` }],
    'SELECT users FROM counted',
  ),
);
