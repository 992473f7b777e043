import { type BuiltStatement, buildStatement, type Cte } from '../database/build-statement';
import { CROSSINGS, endingsOf, EVENT_COLUMNS } from './event-rows.sql';
import {
  COUNTS_IN_FLIGHT,
  FLIGHT,
  FLIGHT_JOINS,
  FLIGHT_MISFIT,
  FLIGHT_RUNNING,
  FLIGHT_SETTLED,
  FLIGHT_STATE,
  FLIGHT_VERDICT,
  isLimited,
} from './in-flight.sql';
import { CAPPED, cap } from './key-caps.sql';
import { BOUND, BOUND_ANSWER, BOUND_CHARGED, BOUND_MISFIT, BOUND_RUNNING, BOUND_SETTLED, BOUND_VERDICT, REPLAYED_LIMITS } from './limits.sql';
import {
  draw,
  DRAWN,
  DRAWS_OF_CHARGE,
  drawsOf,
  drawsRecorded,
  GRANTS_HELD,
  hasForms,
  heldGrants,
  isToRoll,
  OVERAGE_BEGUN,
  OVERAGE_NOTED,
  overageUsed,
  PURSE,
  SHADOW_NOTED,
  shadowReported,
  SOURCE,
} from './forms.sql';

/** What a batch needs of the statement. A part that is left idle would still cost as much as several charges. */
export interface ChargeParts {
  /** A charge carries an Idempotency-Key. */
  keys: boolean;
  /** A charge is paid by an API key with a cap of its own. */
  caps: boolean;
  /** A charge comes from a user who had nothing left a moment ago. */
  peeks: boolean;
  /** A charge has a deadline. */
  deadlines: boolean;
  /** A charge is held under a lease. */
  holds: boolean;
  /** A charge's request has ended with it, as an instant one has. */
  ends: boolean;
  /** A charge's user has more than the day's own units, such as grants. Without this part it is answered `needs-forms`. */
  forms: boolean;
  /** With `forms`: a charge's user is held against limits of a period or in flight. Without this part it is answered `needs-limits`. */
  limits: boolean;
  /** With `forms`: a limit that is tried out would refuse a charge, which is admitted beside. */
  shadows: boolean;
  /** Rows that somebody holds are not waited for: what needs them is `busy`. */
  skips: boolean;
}

/** Above every counter: what an unlimited day holds. */
export const MAX_UNITS = 2_147_483_647;

/** The 48 bits of time that begin a UUIDv7 (RFC 9562, section 5.7): the database's, in milliseconds. */
export const ID_TIME = `(SELECT lpad(to_hex(floor(extract(epoch FROM now()) * 1000)::bigint), 12, '0'))`;
const ID = `(${ID_TIME} || i.tail)::uuid`;
export const NOW_MS = `floor(extract(epoch FROM now()) * 1000)::float8`;

/** What the statement holds only with a part that the batch needs. */
const when = (needed: boolean, text: string): string => (needed ? text : '');

/** The charges in order of arrival, numbered from 1, each with what its Idempotency-Key already stands for. */
const item = ({ keys, deadlines, forms, holds }: ChargeParts): Cte => {
  const further = [
    ...(deadlines ? ['deadline_at timestamptz', 'deadline_seconds integer'] : []),
    ...(holds ? ['hold_seconds integer'] : []),
    ...(forms ? ['shadow boolean', 'shadow_code text'] : []),
  ];
  const columns = [
    ...['user_id integer', 'key_id integer', 'capped boolean', 'type text', 'status text', 'cost integer', 'payload jsonb', 'tail text'],
    ...['scope text', 'key text', 'fingerprint text'],
    ...further,
  ];
  const names = columns.map((column) => column.split(' ')[0]);
  const known = `LEFT JOIN LATERAL (
    SELECT m.request_id AS answered_by, m.fingerprint = decode(i.fingerprint, 'hex') AS same_body,
      m.created_at <= now() - make_interval(hours => :retentionHours) AS outlived
    FROM idempotency_keys m WHERE m.user_id = i.user_id AND m.scope = i.scope AND m.key = i.key OFFSET 0
  ) k ON true`;
  return {
    name: 'item',
    materialized: true,
    text: `
  SELECT i.*${when(keys, ', k.*')}
  FROM ROWS FROM (json_to_recordset(:items) AS (${columns.join(', ')})) WITH ORDINALITY AS i(${names.join(', ')}, n)
  ${when(keys, known)}
`,
  };
};

const stateOf = (
  forms: boolean,
): string => `status = 'active' AS active, quota_of(u, (SELECT quota_default_zone()), (SELECT quota_plans())) AS q, u.quota_forms, u.quota_reset_date,
      u.api_quota_used_today, u.api_quota_refunded_today, u.api_quota_requests_today${when(forms, ', u.quota_overage_today, u.quota_overage_date, u.quota_overage_fold, u.subscription_tier, u.max_in_flight')}`;

const accountOf = (row: string, locked: boolean, { forms, limits }: Pick<ChargeParts, 'forms' | 'limits'>): string => `
  SELECT (${row}.q).*, CASE WHEN (${row}.q).unlimited THEN ${MAX_UNITS} ELSE (${row}.q).quota END AS ceiling, ${locked} AS locked, ${row}.active, ${hasForms(row)} AS forms,
    ${row}.quota_reset_date, ${row}.api_quota_used_today, ${row}.api_quota_refunded_today, ${row}.api_quota_requests_today${when(forms, `, ${overageUsed(row)} AS overage_used, ${isToRoll(row)} AS to_roll, ${row}.max_in_flight`)}${when(forms && !limits, `, ${isLimited(row)} AS limited`)}`;

/** Users as they are once locked, whatever the snapshot saw, in id order; those who are peeked at as the snapshot saw them. */
const account = ({ peeks, skips, ...further }: ChargeParts): Cte => ({
  name: 'account',
  materialized: true,
  text: `${accountOf('l', true, further)}
  FROM (SELECT ${stateOf(further.forms)} FROM users u WHERE u.id = ANY (:userIds::integer[]) AND u.status <> 'deleted' ORDER BY u.id FOR NO KEY UPDATE${when(skips, ' SKIP LOCKED')}) l${when(
    peeks,
    `
  UNION ALL${accountOf('p', false, further)}
  FROM (SELECT ${stateOf(further.forms)} FROM users u WHERE u.id = ANY (:peekedIds::integer[]) AND u.status <> 'deleted' OFFSET 0) p`,
  )}
`,
});

/** Charges whose user or capped key somebody else holds. What is not locked and yet there is held. */
const busy = ({ caps, forms }: ChargeParts): Cte => ({
  name: 'busy',
  materialized: true,
  text: `
  SELECT i.n FROM item i JOIN users u ON u.id = i.user_id
  WHERE u.status <> 'deleted' AND NOT EXISTS (SELECT FROM account a WHERE a.user_id = i.user_id)
  ${when(
    caps,
    `UNION
  SELECT i.n FROM item i JOIN api_keys k ON k.id = i.key_id
  WHERE i.capped AND k.daily_cap IS NOT NULL AND NOT EXISTS (SELECT FROM cap c WHERE c.id = i.key_id)`,
  )}${when(forms, GRANTS_HELD)}
`,
});

/** What each counter would be after the charge, if all of its user's before it were admitted. */
const running = ({ keys, caps, forms, limits, skips }: ChargeParts): Cte => ({
  name: 'running',
  text: `
  SELECT i.n, i.user_id, i.key_id, i.cost, a.ceiling, a.day, a.fold, a.locked, a.active, a.used AS used_before,
    a.used + sum(${forms ? 'CASE WHEN i.shadow THEN 0 ELSE i.cost END' : 'i.cost'}) OVER (PARTITION BY i.user_id ORDER BY i.n) AS used_after,${when(forms, ' i.shadow,')}
    ${
      caps
        ? `c.daily_cap, c.used AS cap_before, c.used + sum(i.cost) OVER (PARTITION BY i.user_id, c.id ORDER BY i.n) AS cap_after`
        : `NULL::integer AS daily_cap, NULL::integer AS cap_before, NULL::integer AS cap_after`
    }${when(forms, `, p.own_end, p.own_end + p.granted + p.overage AS reach`)}${when(limits, FLIGHT_RUNNING)}
  FROM item i JOIN account a USING (user_id) ${when(forms, 'JOIN purse p USING (user_id) ')}${when(limits, FLIGHT_JOINS)}${when(caps, 'LEFT JOIN cap c ON c.id = i.key_id AND i.capped')}
  WHERE NOT a.${forms ? 'to_roll' : 'forms'} ${when(forms && !limits, 'AND NOT a.limited')} ${when(keys, 'AND (i.answered_by IS NULL OR i.outlived)')} ${when(skips, 'AND NOT EXISTS (SELECT FROM busy b WHERE b.n = i.n)')}
`,
});

/** The first of each user's charges that does not fit. Of a user who was only peeked at, none does. */
const sorted = ({ forms, limits }: ChargeParts): Cte => ({
  name: 'sorted',
  text: `
  SELECT *, coalesce(min(n) FILTER (WHERE used_after > ${forms ? 'reach' : 'ceiling'} OR cap_after > daily_cap OR NOT locked${when(limits, FLIGHT_MISFIT + BOUND_MISFIT)}) OVER (PARTITION BY user_id), ${MAX_UNITS}) AS first_misfit
  FROM running
`,
});

/** What the counters are when the first misfit comes up. */
const settled = ({ caps, limits }: ChargeParts): Cte => ({
  name: 'settled',
  text: `
  SELECT *, coalesce(max(used_after) FILTER (WHERE n < first_misfit) OVER (PARTITION BY user_id), used_before) AS used_then,
    ${caps ? `coalesce(max(cap_after) FILTER (WHERE n < first_misfit) OVER (PARTITION BY user_id, key_id), cap_before)` : `NULL::integer`} AS cap_then${when(limits, FLIGHT_SETTLED)}
  FROM sorted
`,
});

/** What becomes of each charge that its key does not answer. */
const verdict = ({ forms, limits }: ChargeParts): Cte => ({
  name: 'verdict',
  materialized: true,
  text: `
  SELECT n, user_id, key_id, day, fold, ceiling, used_after, used_then, daily_cap, cap_after, cap_then,
    ${when(forms, `own_end, greatest(0, used_after - cost - own_end) AS drawn_before, greatest(0, used_after - own_end) AS drawn_after,${when(limits, FLIGHT_STATE)}`)}
    CASE
      WHEN NOT active THEN 'suspended'
      WHEN n < first_misfit THEN 'admitted'
      WHEN ${when(forms, 'NOT shadow AND ')}used_then + cost > ${forms ? 'reach' : 'ceiling'} THEN 'over-quota'
      WHEN cap_then + cost > daily_cap THEN 'over-cap'${when(limits, BOUND_VERDICT + FLIGHT_VERDICT)}
      ELSE 'deferred'
    END AS outcome
  FROM settled
`,
});

/** What is admitted, by user. */
const total = ({ forms }: ChargeParts): Cte => ({
  name: 'total',
  materialized: true,
  text: `
  SELECT a.*, t.used_now, t.requests_now${when(forms, ', t.spent_now, greatest(0, t.spent_now - p.own_end - p.granted) AS overage_now')}
  FROM (
    SELECT user_id, ${forms ? 'least(max(used_after), max(own_end))::integer AS used_now, max(used_after) AS spent_now' : 'max(used_after)::integer AS used_now'}, count(*)::integer AS requests_now
    FROM verdict WHERE outcome = 'admitted' GROUP BY user_id
  ) t JOIN account a USING (user_id)${when(forms, ' JOIN purse p USING (user_id)')}
`,
});

/** A day that is over goes to the archive with the charge that leaves it. */
const ARCHIVED: Cte = {
  name: 'archived',
  text: `
  INSERT INTO quota_usage (user_id, date, quota, used, refunded, requests)
  SELECT user_id, quota_reset_date, closed_quota, api_quota_used_today, api_quota_refunded_today, api_quota_requests_today
  FROM total WHERE closed AND (api_quota_requests_today > 0 OR api_quota_used_today > 0)
  ON CONFLICT (user_id, date) DO UPDATE SET used = least(${MAX_UNITS}, quota_usage.used::bigint + excluded.used),
    refunded = least(${MAX_UNITS}, quota_usage.refunded::bigint + excluded.refunded), requests = quota_usage.requests + excluded.requests
`,
};

/** The counter, and the period that it counts. */
const charged = ({ forms }: ChargeParts): Cte => ({
  name: 'charged',
  text: `
  UPDATE users u SET api_quota_used_today = t.used_now, api_quota_refunded_today = t.refunded,
    api_quota_requests_today = t.requests + t.requests_now, quota_reset_date = t.day, quota_reset_zone = t.period_zone,
    quota_reset_fold = t.fold, subscription_tier = t.tier, api_quota_unlimited = t.base_unlimited, api_quota_daily = t.base_quota, api_quota_version = t.base_version,
    next_subscription_tier = CASE WHEN NOT t.closed OR u.next_tier_from > t.day THEN u.next_subscription_tier END${when(
      forms,
      `,
    quota_overage_today = CASE WHEN t.overage_now > 0 THEN t.overage_used + t.overage_now ELSE u.quota_overage_today END::integer,
    quota_overage_date = CASE WHEN t.overage_now > 0 THEN t.day ELSE u.quota_overage_date END,
    quota_overage_fold = CASE WHEN t.overage_now > 0 THEN t.fold ELSE u.quota_overage_fold END`,
    )}
  FROM total t WHERE u.id = t.user_id
`,
});

/**
 * The shares of the quota that were crossed, each once a period. Where a quota is 0, or was lowered below what is used, no charge crosses the
 * whole of it: the first that is refused with nothing left counts for that. Only a user who is locked already is looked at, so nobody is waited for.
 */
const crossed = ({ forms }: ChargeParts): Cte => ({
  name: 'crossed',
  text: `
  INSERT INTO quota_events (user_id, date, fold, threshold, used, quota)
  SELECT t.user_id, t.day, t.fold, h.share / 10000.0, t.used_now, t.quota
  FROM total t CROSS JOIN unnest(:thresholds::bigint[]) AS h(share)
  WHERE NOT t.unlimited AND t.used * 10000::bigint < h.share * t.quota AND t.used_now * 10000::bigint >= h.share * t.quota
  UNION ALL
  SELECT a.user_id, a.day, a.fold, 1, ${forms ? 'least(v.used_then, v.own_end)' : 'v.used_then'}, a.quota
  FROM verdict v JOIN account a USING (user_id)
  WHERE v.outcome = 'over-quota' AND a.locked AND NOT a.unlimited AND v.used_then >= a.quota
    AND NOT EXISTS (SELECT FROM quota_events e WHERE e.user_id = a.user_id AND e.date = a.day AND e.fold = a.fold AND e.threshold = 1)
  ON CONFLICT DO NOTHING
  RETURNING user_id, date, threshold, used, quota
`,
});

/** Events of them, for who listens. */
const ALERTED: Cte = { name: 'alerted', text: CROSSINGS };

const DEADLINE = `coalesce(i.deadline_at, now() + make_interval(secs => i.deadline_seconds))`;

/** The requests. Day and quota are the row's that was charged, whatever the clock does meanwhile. */
const recorded = ({ deadlines, holds, ends, forms, limits }: ChargeParts): Cte => ({
  name: 'recorded',
  text: `
  INSERT INTO requests (id, user_id, api_key_id, type, status, cost, charged_on, charged_fold, limit_at_charge, used_at_charge,
    payload, started_at, finished_at${when(deadlines, ', deadline_at')}${when(holds, ', attempt, lease_expires_at, held')}${when(forms, ', drawn_units')}${when(limits, ', counts_in_flight, limits_charged')})
  SELECT ${ID}, i.user_id, i.key_id, i.type, i.status, i.cost, v.day, v.fold, nullif(v.ceiling, ${MAX_UNITS}),
    ${forms ? 'least(v.used_after, v.own_end)' : 'v.used_after'}, i.payload, CASE WHEN i.status <> 'pending' THEN now() END, CASE WHEN i.status = 'succeeded' THEN now() END
    ${when(deadlines, `, ${DEADLINE}`)}
    ${when(holds, ', (i.hold_seconds IS NOT NULL)::integer, now() + make_interval(secs => i.hold_seconds), i.hold_seconds IS NOT NULL')}${when(forms, `, CASE WHEN i.shadow THEN i.cost ELSE v.drawn_after - v.drawn_before END`)}${when(limits, `, ${COUNTS_IN_FLIGHT}, o.charged`)}
  FROM verdict v JOIN item i USING (n)${when(limits, ' LEFT JOIN bound_answer o USING (n)')} WHERE v.outcome = 'admitted'
  ${when(ends, `RETURNING ${EVENT_COLUMNS}`)}
`,
});

/** Events of requests that have ended with their charge, for who listens. */
const ENDED: Cte = { name: 'ended', text: endingsOf('recorded') };

/** Keys that are past their time make room. */
const FORGOTTEN: Cte = {
  name: 'forgotten',
  text: `
  DELETE FROM idempotency_keys k USING verdict v JOIN item i USING (n)
  WHERE v.outcome = 'admitted' AND i.outlived AND k.user_id = i.user_id AND k.scope = i.scope AND k.key = i.key
  RETURNING k.key
`,
};

/** Keys, with what they are answered. One that another replica is just storing fails the batch, which then goes again. */
const remembered = ({ deadlines }: ChargeParts): Cte => ({
  name: 'remembered',
  text: `
  INSERT INTO idempotency_keys (user_id, scope, key, fingerprint, request_id, request_status, request_cost, charged_on, deadline_at)
  SELECT i.user_id, i.scope, i.key, decode(i.fingerprint, 'hex'), ${ID}, i.status, i.cost, v.day, ${deadlines ? DEADLINE : 'NULL'}
  FROM verdict v JOIN item i USING (n)
  WHERE v.outcome = 'admitted' AND i.key IS NOT NULL AND (SELECT count(*) FROM forgotten) >= 0
`,
});

/** The counter that an answer is about: after the charge, when it was refused, or after all that its user was charged. */
const spent = (forms: boolean): string =>
  `coalesce(CASE WHEN v.outcome = 'admitted' THEN v.used_after ELSE v.used_then END, t.${forms ? 'spent_now' : 'used_now'}, a.used)`;

/** One row for each charge, in order of arrival. */
const decisions = ({ keys, forms, limits, skips }: ChargeParts): string => `
SELECT ${keys ? `CASE WHEN v.outcome = 'admitted' THEN ${ID} ELSE i.answered_by END` : ID} AS id,
  coalesce(v.outcome, CASE ${when(skips, `WHEN EXISTS (SELECT FROM busy b WHERE b.n = i.n) THEN 'busy'`)} WHEN a.user_id IS NULL THEN 'no-user' WHEN a.${forms ? `to_roll THEN 'needs-close-out'` : `forms THEN 'needs-forms'`} ${when(forms && !limits, `WHEN a.limited THEN 'needs-limits'`)} ${when(keys, `WHEN i.same_body THEN 'replayed' ELSE 'key-reused'`)} END) AS outcome,
  ${forms ? drawsOf(spent(forms)) : `${spent(forms)}::integer AS used`},
  CASE WHEN v.outcome = 'admitted' THEN v.cap_after ELSE v.cap_then END::integer AS "capUsed", v.daily_cap AS cap,${when(limits, ` v.flight, ${REPLAYED_LIMITS} AS limits,`)}
  a.unlimited, a.locked, a.quota, a.tier, a.zone, a.day::text, a.period_zone AS "periodZone", ${NOW_MS} AS now
FROM item i LEFT JOIN account a USING (user_id) LEFT JOIN total t USING (user_id) LEFT JOIN verdict v USING (n)${when(forms, ` LEFT JOIN purse p ON p.user_id = i.user_id LEFT JOIN ${DRAWS_OF_CHARGE} w ON w.n = i.n`)}${when(limits, ' LEFT JOIN bound_answer o ON o.n = i.n')}
ORDER BY i.n
`;

/**
 * Decides and records a batch of charges. One statement, so all of it commits or none.
 *
 * It admits exactly what fits. Rows of users are locked in id order (batches of several replicas cannot deadlock) and read
 * as they are once locked, whatever the statement's snapshot saw. Within a user, charges are taken in arrival order: as
 * long as all before it fit, a charge's running sum is the counter after it, so it is decided for good. After the first
 * misfit, a charge larger than what is left is refused for good, and any other is `deferred`: the caller sends it again,
 * and each round decides at least one more.
 *
 * Users who had nothing left a moment ago are only peeked at: their rows are read without a lock, and nothing but a
 * refusal is taken from that. It is right as of the statement's snapshot, and writes nothing.
 *
 * Whoever has more than the day's own units is charged by the part `forms`: see `forms.sql.ts`. Whoever of them is held against limits beside
 * the day needs the part `limits` too; all charges of such a user are left undecided together, so they stay in order.
 *
 * With `skips` it waits for no row: what is locked is read as it is then, as ever, and the rest is `busy`, undecided.
 */
export function chargeStatement(parts: ChargeParts): BuiltStatement {
  const name = ['charge', ...Object.entries(parts).flatMap(([part, needed]) => (needed ? [part] : []))].join(' ');
  const known = statements.get(name) ?? buildStatement(name, ctesOf(parts), decisions(parts));
  statements.set(name, known);
  return known;
}

const statements = new Map<string, BuiltStatement>();

function ctesOf(parts: ChargeParts): Cte[] {
  const { keys, caps, ends, forms, limits, shadows, skips } = parts;
  return [
    item(parts),
    account(parts),
    ...(caps ? [cap(skips)] : []),
    ...(forms ? [heldGrants(parts), PURSE, SOURCE] : []),
    ...(limits ? [FLIGHT, BOUND] : []),
    ...(skips ? [busy(parts)] : []),
    running(parts),
    ...(limits ? [BOUND_RUNNING] : []),
    sorted(parts),
    ...(limits ? [BOUND_SETTLED, BOUND_ANSWER] : []),
    settled(parts),
    verdict(parts),
    total(parts),
    ARCHIVED,
    charged(parts),
    crossed(parts),
    ALERTED,
    ...(caps ? [CAPPED] : []),
    recorded(parts),
    ...(limits ? [BOUND_CHARGED] : []),
    ...(forms ? [draw(shadows), DRAWN, OVERAGE_NOTED, OVERAGE_BEGUN] : []),
    ...(shadows ? [SHADOW_NOTED, shadowReported(ID)] : []),
    ...(forms ? [drawsRecorded(ID)] : []),
    ...(ends ? [ENDED] : []),
    ...(keys ? [FORGOTTEN, remembered(parts)] : []),
  ];
}

// Noted for review: without any part, with each alone or with the one that it needs, and with all of them.
const PARTS = ['keys', 'caps', 'peeks', 'deadlines', 'holds', 'ends', 'forms', 'limits', 'shadows', 'skips'] as const;
const withParts = (...needed: (keyof ChargeParts)[]) =>
  chargeStatement(Object.fromEntries(PARTS.map((part) => [part, needed.includes(part)])) as Record<keyof ChargeParts, boolean>);
withParts();
for (const part of PARTS) withParts(part, ...(part === 'limits' || part === 'shadows' ? ['forms' as const] : []));
withParts(...PARTS);
