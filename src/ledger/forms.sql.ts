import { type Cte } from '../database/build-statement';
import { isListenedTo, jsonInstant } from '../outbox/listened.sql';

/**
 * What a charge may draw on beside the day's own units. The idea: lay all units that a user has in one row, the day's own first,
 * then the grants in their order. As long as all charges before it fit, a charge is an interval of that row, from the running
 * sum before it to the one after it; what it draws on a grant is the overlap of two intervals. So a user's charges of a batch are
 * decided together, as without, and by one comparison each.
 */

/** Whether the account has more than the day's own units, or more to be held against. `quota_plans()` has the plans that do. */
export const hasForms = (row: string): string =>
  `(${row}.quota_forms OR coalesce(jsonb_typeof((SELECT quota_plans()) -> (${row}.q).tier::text -> 5) = 'object', false))`;

/** A grant that can be drawn on. */
export const isLive = (grant: string): string => `${grant}.revoked_at IS NULL AND coalesce(${grant}.expires_at > now(), true)`;

const MAX = 2_147_483_647;

/** Whether the account's day is over and its plan lets unused units roll over: it is closed first, so that they can be drawn. */
export const isToRoll = (row: string): string =>
  `((${row}.q).closed AND coalesce((SELECT quota_plans()) -> ${row}.subscription_tier::text -> 5 ? 'rollover', false))`;

/** Of an account: what was drawn beyond the quota in its period. `row` has the columns of the user beside the projection `q`. */
export const overageUsed = (row: string): string =>
  `CASE WHEN (${row}.quota_overage_date, ${row}.quota_overage_fold) = ((${row}.q).day, (${row}.q).fold) THEN ${row}.quota_overage_today ELSE 0 END`;

/** How far a user may go beyond the quota, as JSON; null: not at all. `u` is their row, `tier` SQL of the plan in force. */
export const overageOf = (tier: string): string =>
  `coalesce(CASE WHEN u.quota_forms THEN (SELECT o.overage FROM user_quota_forms o WHERE o.user_id = u.id) END, (SELECT quota_plans()) -> ${tier}::text -> 5 -> 'overage')`;

/** Whether a user's quota is tried out; `u` is their row, `tier` SQL of the plan in force. */
export const shadowOf = (tier: string): string =>
  `coalesce((SELECT o.shadow FROM user_quota_forms o WHERE u.quota_forms AND o.user_id = u.id), ((SELECT quota_plans()) -> ${tier}::text -> 5 ->> 'shadow')::boolean, false)`;

/** Left out: as many as there are. What is no number, which only another program can have written: none. */
const maxOf = (overage: string): string =>
  `CASE coalesce(jsonb_typeof(${overage} -> 'max'), 'null') WHEN 'null' THEN ${MAX} WHEN 'number' THEN least((${overage} ->> 'max')::numeric, ${MAX})::bigint ELSE 0 END`;

/** Units that are left of it. */
export const overageLeft = (overage: string, used: string): string => `CASE WHEN ${overage} IS NULL THEN 0 ELSE greatest(0, ${maxOf(overage)} - ${used}) END`;

const GRANTS = 'SELECT g.id, g.user_id, g.units - g.used AS units, g.priority, g.expires_at FROM quota_grants g';
const LEFT = `${isLive('g')} AND g.used < g.units`;

/**
 * The grants of locked users, as they are once locked too; of those who are peeked at, as the snapshot saw them. A grant changes under its
 * user's lock alone, so there is nobody to wait for but retention, which notes what it removed.
 */
export const heldGrants = ({ peeks, skips }: { peeks: boolean; skips: boolean }): Cte => ({
  name: 'held_grant',
  materialized: true,
  text: `
  SELECT l.* FROM (${GRANTS} WHERE g.user_id = ANY (ARRAY(SELECT user_id FROM account WHERE locked AND forms)) AND ${LEFT} ORDER BY g.id FOR NO KEY UPDATE${
    skips ? ' SKIP LOCKED' : ''
  }) l${
    peeks
      ? `
  UNION ALL
  ${GRANTS} WHERE g.user_id = ANY (ARRAY(SELECT user_id FROM account WHERE NOT locked AND forms)) AND ${LEFT}`
      : ''
  }
`,
});

/** With `skips`: charges whose user has a grant that somebody holds. */
export const GRANTS_HELD = `
  UNION
  SELECT i.n FROM item i JOIN account a USING (user_id) JOIN quota_grants g USING (user_id)
  WHERE a.forms AND a.locked AND ${LEFT} AND NOT EXISTS (SELECT FROM held_grant h WHERE h.id = g.id)`;

/** What there is behind the day's own units as intervals of it, in the order in which it is drawn: grants, then what goes beyond the quota. */
export const SOURCE: Cte = {
  name: 'source',
  materialized: true,
  text: `
  SELECT user_id, 'grant' AS source, id AS grant_id, sum(units) OVER w - units AS begins, sum(units) OVER w AS ends
  FROM held_grant WINDOW w AS (PARTITION BY user_id ORDER BY priority, expires_at NULLS LAST, id)
  UNION ALL
  SELECT user_id, 'overage', NULL, granted, granted + overage FROM purse WHERE overage > 0
`,
};

/** Where a user's own units end, and how many are behind them. A counter above a quota that was lowered has no own units left. */
export const PURSE: Cte = {
  name: 'purse',
  materialized: true,
  text: `
  SELECT a.user_id, greatest(a.used, a.ceiling)::bigint AS own_end, coalesce(g.units, 0)::bigint AS granted, ${overageLeft('o.overage', 'a.overage_used')} AS overage, coalesce(o.shadow, false) AS shadow
  FROM account a LEFT JOIN LATERAL (
    SELECT coalesce(f.overage, p.plan -> 'overage') AS overage, coalesce(f.shadow, (p.plan ->> 'shadow')::boolean) AS shadow
    FROM (SELECT (SELECT quota_plans()) -> a.tier::text -> 5 AS plan) p LEFT JOIN user_quota_forms f ON f.user_id = a.user_id
  ) o ON a.forms LEFT JOIN (SELECT user_id, sum(units) AS units FROM held_grant GROUP BY user_id) g USING (user_id)
`,
};

/** What each charge draws: `begins` is the number of the first such unit among those of its request. */
export const draw = (shadows: boolean): Cte => ({
  name: 'draw',
  materialized: true,
  text: `
  SELECT v.n, s.source, s.grant_id, (i.cost - v.drawn_after + greatest(v.drawn_before, s.begins))::integer AS begins,
    (least(v.drawn_after, s.ends) - greatest(v.drawn_before, s.begins))::integer AS units
  FROM verdict v JOIN item i USING (n) JOIN source s ON s.user_id = v.user_id
  WHERE v.outcome = 'admitted' AND NOT i.shadow AND s.begins < v.drawn_after AND s.ends > v.drawn_before${shadows ? SHADOW_DRAWN : ''}
`,
});

const SHADOW_DRAWN = `
  UNION ALL
  SELECT v.n, 'shadow', NULL, 0, i.cost FROM verdict v JOIN item i USING (n) WHERE v.outcome = 'admitted' AND i.shadow`;

/** The counters of the grants. */
export const DRAWN: Cte = {
  name: 'drawn',
  text: `
  UPDATE quota_grants g SET used = g.used + d.units
  FROM (SELECT grant_id, sum(units)::integer AS units FROM draw WHERE grant_id IS NOT NULL GROUP BY grant_id) d WHERE g.id = d.grant_id
`,
};

/** What the period has of overage, for the history. Its bound is held against the counter in the user's row. */
export const OVERAGE_NOTED: Cte = {
  name: 'overage_noted',
  text: `
  INSERT INTO quota_overage (user_id, date, fold, units)
  SELECT user_id, day, fold, overage_now::integer FROM total WHERE overage_now > 0
  ON CONFLICT (user_id, date, fold) DO UPDATE SET units = least(${MAX}, quota_overage.units::bigint + excluded.units)
`,
};

/** What the period has of requests that would have been refused. They add nothing to the quota: it stands where it would stand without them. */
export const SHADOW_NOTED: Cte = {
  name: 'shadow_noted',
  text: `
  INSERT INTO quota_overage (user_id, date, fold, units, shadow_requests, shadow_units)
  SELECT v.user_id, v.day, v.fold, 0, count(*)::integer, sum(i.cost) FROM verdict v JOIN item i USING (n) WHERE v.outcome = 'admitted' AND i.shadow GROUP BY 1, 2, 3
  ON CONFLICT (user_id, date, fold) DO UPDATE SET shadow_requests = quota_overage.shadow_requests + excluded.shadow_requests,
    shadow_units = quota_overage.shadow_units + excluded.shadow_units
`,
};

/** An event for each of them, for who listens. */
export const shadowReported = (id: string): Cte => ({
  name: 'shadow_reported',
  text: `
  INSERT INTO events (type, user_id, data)
  SELECT 'quota.shadow-refused', v.user_id, jsonb_build_object('requestId', ${id}, 'type', i.type, 'requested', i.cost, 'code', i.shadow_code, 'date', v.day,
    'limit', a.quota, 'used', least(v.used_after, v.own_end), 'tier', a.tier)
  FROM verdict v JOIN item i USING (n) JOIN account a ON a.user_id = v.user_id
  WHERE v.outcome = 'admitted' AND i.shadow AND ${isListenedTo('v.user_id', `'quota.shadow-refused'`, 'quota')} ORDER BY v.n
`,
});

/** An event for each period that goes beyond its quota. */
export const OVERAGE_BEGUN: Cte = {
  name: 'overage_begun',
  text: `
  INSERT INTO events (type, user_id, data)
  SELECT 'quota.overage-begun', t.user_id, jsonb_build_object('date', t.day, 'overage', t.overage_now, 'limit', t.quota, 'used', t.used_now,
    'tier', t.tier, 'timeZone', t.period_zone, 'resetsAt', ${jsonInstant('quota_period_end(t.day, t.period_zone, t.zone)')})
  FROM total t WHERE t.overage_now > 0 AND t.overage_used = 0 AND ${isListenedTo('t.user_id', `'quota.overage-begun'`, 'quota')}
  ORDER BY t.user_id
`,
};

/** What each request drew, for whoever gives it back. */
export const drawsRecorded = (id: string): Cte => ({
  name: 'draws_recorded',
  text: `
  INSERT INTO request_draws (request_id, begins, units, source, grant_id)
  SELECT ${id}, d.begins, d.units, d.source, d.grant_id FROM draw d JOIN item i USING (n)
`,
});

const DRAW_JSON = `json_build_object('source', d.source, 'grantId', d.grant_id, 'units', d.units)`;

/** The columns of an answer about more than the day: `spent` is where its user's running sum stands. */
export const drawsOf = (spent: string): string => `least(${spent}, p.own_end)::integer AS used,
  greatest(0, p.granted - greatest(0, ${spent} - p.own_end))::float8 AS granted,
  (p.overage - greatest(0, ${spent} - p.own_end - p.granted))::float8 AS beyond, a.forms, p.shadow, w.draws`;

/** What each charge drew, as it is answered: all at once, because to look through a batch's draws for each of its charges is quadratic. */
export const DRAWS_OF_CHARGE = `(SELECT d.n, json_agg(${DRAW_JSON} ORDER BY d.begins) AS draws FROM draw d GROUP BY d.n)`;

/** What a request drew beside the day's own units; null: nothing. `r` is its row. */
export const DRAWS = `CASE WHEN r.drawn_units > 0 THEN (SELECT json_agg(${DRAW_JSON} ORDER BY d.begins) FROM request_draws d WHERE d.request_id = r.id) END`;

/** Units that a user may charge beside the day's own; `u` is their row. */
export const GRANTED = `CASE WHEN u.quota_forms THEN (SELECT coalesce(sum(g.units - g.used), 0) FROM quota_grants g WHERE g.user_id = u.id AND ${LEFT}) ELSE 0 END::float8`;

/** The grants that can be drawn on, in the order in which they are; null: none. `u` is their user's row. */
export const LIVE_GRANTS = `CASE WHEN u.quota_forms THEN (
  SELECT json_agg(json_build_object('id', g.id, 'units', g.units, 'remaining', g.units - g.used, 'expiresAt', ${jsonInstant('g.expires_at')}, 'priority', g.priority)
    ORDER BY g.priority, g.expires_at NULLS LAST, g.id)
  FROM quota_grants g WHERE g.user_id = u.id AND ${LEFT}) END`;

/** Of a request's cost, what the counter of its day was charged; `r` is its row. */
export const ownCost = (r: string): string => `${r}.cost - ${r}.drawn_units`;
/** Of what was refunded of it, what the counter of its day got back: what was drawn elsewhere goes back first. */
export const ownRefund = (r: string): string => `greatest(0, ${r}.refunded_units - ${r}.drawn_units)`;

/** Of a draw `d`, the units that go back when its request's refunds rise from one sum to another: the last units of a request go first. */
export const returned = (cost: string, from: string, to: string): string =>
  `greatest(0, least(${cost} - ${from}, d.begins + d.units) - greatest(${cost} - ${to}, d.begins))`;
