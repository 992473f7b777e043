import { buildStatement, type Cte } from '../database/build-statement';
import { endingsOf, EVENT_COLUMNS } from './event-rows.sql';
import { ID_TIME, MAX_UNITS, NOW_MS } from './charge.sql';

const ZONE = `coalesce(u.time_zone, (SELECT quota_default_zone()))`;
/** A zone of the user's own may be one that PostgreSQL does not know any more; the default is one that it knows. */
const KNOWN = `(u.time_zone IS NULL OR quota_zone_known(u.time_zone))`;
const share = (units: string): string => `${units} * 10000::bigint / greatest(u.api_quota_daily, 1)`;

/**
 * The plain case: the account is active, has no override and nothing but the day's own units, its day is the one that is now and is reckoned in the zone in
 * force, its row has the copy of its plan, everything that is asked for it fits, and no threshold is crossed. `width_bucket` counts the thresholds that a
 * share has reached; a share is rounded down, which changes nothing because thresholds are whole.
 */
const PLAIN = `u.status = 'active' AND NOT u.quota_forms AND NOT coalesce((SELECT quota_plans()) ? u.subscription_tier, false)
    AND coalesce(u.quota_override_expires_at <= now(), true)
    AND CASE WHEN coalesce(u.quota_reset_zone = ${ZONE}, true) AND ${KNOWN} THEN (now() AT TIME ZONE ${ZONE})::date <= u.quota_reset_date ELSE false END
    AND CASE WHEN u.api_quota_unlimited THEN u.api_quota_used_today + a.units <= ${MAX_UNITS}
      ELSE u.api_quota_used_today + a.units <= u.api_quota_daily
        AND width_bucket(${share('u.api_quota_used_today')}, :thresholds::bigint[])
          = width_bucket(${share('(u.api_quota_used_today + a.units)')}, :thresholds::bigint[])
    END`;

/** Guard, counter and lock in one: the row as it is once nobody else holds it is what the guard is held against. */
const CHARGED: Cte = {
  name: 'charged',
  text: `
  UPDATE users u SET api_quota_used_today = u.api_quota_used_today + a.units, api_quota_requests_today = u.api_quota_requests_today + a.requests,
    quota_reset_zone = ${ZONE}
  FROM unnest(:userIds::integer[], :units::bigint[], :requests::integer[]) AS a(user_id, units, requests)
  WHERE u.id = a.user_id AND ${PLAIN}
  RETURNING u.id, u.api_quota_used_today AS used, (u.api_quota_used_today - a.units)::integer AS used_before, u.api_quota_unlimited AS unlimited,
    u.api_quota_daily AS quota, u.subscription_tier AS tier, u.quota_reset_zone AS zone, u.quota_reset_date AS day, u.quota_reset_fold AS fold
`,
};

/** The requests of those who were charged. `upto` is what their user is asked for until then, itself included. */
const RECORDED: Cte = {
  name: 'recorded',
  text: `
  INSERT INTO requests (id, user_id, api_key_id, type, status, cost, charged_on, charged_fold, limit_at_charge, used_at_charge, payload, started_at, finished_at)
  SELECT (${ID_TIME} || i.tail)::uuid, c.id, i.key_id, i.type, i.status, i.cost, c.day, c.fold,
    CASE WHEN NOT c.unlimited THEN nullif(c.quota, ${MAX_UNITS}) END, c.used_before + i.upto, i.payload,
    CASE WHEN i.status <> 'pending' THEN now() END, CASE WHEN i.status = 'succeeded' THEN now() END
  FROM charged c JOIN unnest(:owners::integer[], :keyIds::integer[], :types::text[], :statuses::text[], :costs::integer[], :upto::bigint[], :payloads::jsonb[], :tails::text[])
    AS i(user_id, key_id, type, status, cost, upto, payload, tail) ON i.user_id = c.id
`,
};

const ANSWER = `SELECT c.id, c.used_before, c.unlimited, c.quota, c.tier, c.zone, c.day::text, ${NOW_MS} FROM charged c`;

/** Without names: a row of these is an array. */
export type ChargedUser = [userId: number, usedBefore: number, unlimited: boolean, quota: number, tier: string, zone: string, day: string, nowMs: number];

/**
 * Charges users of the plain case for all that a batch asks of each of them, and records their requests; a user who is not
 * among the answers was not touched, and goes through `chargeStatement`. One statement, so all of it commits or none.
 *
 * Why nothing is admitted that does not fit: under READ COMMITTED an UPDATE that finds its row held waits, and then holds
 * guard and SET against the newest version, whatever its snapshot saw. So the counter that the guard reads is the one that
 * the SET adds to, batches of any number of replicas charge a user one after the other, and all of a user's units are
 * admitted together or not at all: `used_before` + `upto` is then the counter after each charge in order of arrival.
 *
 * Why nothing that fits is refused by it: it refuses nothing. Whoever does not meet the guard is left out, for whatever
 * reason, and decided by the general statement.
 *
 * Why the rest agrees with the general statement: where the guard holds, `quota_of` projects exactly the columns that stand
 * here, and a charge changes none but the two counters, and the zone of a day that was not pinned yet. Both take now() as it was when the statement began; a day that
 * somebody else opened meanwhile is in the row, and is the one that is charged.
 *
 * Users are given in id order and looked up in the order given, so two batches take their locks in one order; should the
 * planner ever choose otherwise, a deadlock (40P01) is rolled back and sent again.
 */
export const PLAIN_CHARGE = buildStatement('charge plain', [CHARGED, RECORDED], ANSWER, 'array');

/** The same for batches in which a request has ended with its charge, as an instant one has: with the events of that, for who listens. */
export const PLAIN_CHARGE_ENDING = buildStatement(
  'charge plain ends',
  [CHARGED, { ...RECORDED, text: `${RECORDED.text}  RETURNING ${EVENT_COLUMNS}\n` }, { name: 'ended', text: endingsOf('recorded') }],
  ANSWER,
  'array',
);
