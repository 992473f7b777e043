import { type Cte } from '../database/build-statement';
import { jsonInstant } from '../outbox/listened.sql';

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

/** The grants as intervals of what is left on all of a user's, in the order in which they are drawn. */
export const SOURCE: Cte = {
  name: 'source',
  materialized: true,
  text: `
  SELECT user_id, id AS grant_id, sum(units) OVER w - units AS begins, sum(units) OVER w AS ends
  FROM held_grant WINDOW w AS (PARTITION BY user_id ORDER BY priority, expires_at NULLS LAST, id)
`,
};

/** Where a user's own units end, and how many are behind them. A counter above a quota that was lowered has no own units left. */
export const PURSE: Cte = {
  name: 'purse',
  materialized: true,
  text: `
  SELECT a.user_id, greatest(a.used, a.ceiling)::bigint AS own_end, coalesce(g.units, 0)::bigint AS granted
  FROM account a LEFT JOIN (SELECT user_id, sum(units) AS units FROM held_grant GROUP BY user_id) g USING (user_id)
`,
};

/** What each charge draws: `begins` is the number of the first such unit among those of its request. */
export const DRAW: Cte = {
  name: 'draw',
  materialized: true,
  text: `
  SELECT v.n, 'grant' AS source, s.grant_id, (i.cost - v.drawn_after + greatest(v.drawn_before, s.begins))::integer AS begins,
    (least(v.drawn_after, s.ends) - greatest(v.drawn_before, s.begins))::integer AS units
  FROM verdict v JOIN item i USING (n) JOIN source s ON s.user_id = v.user_id
  WHERE v.outcome = 'admitted' AND s.begins < v.drawn_after AND s.ends > v.drawn_before
`,
};

/** The counters of the grants. */
export const DRAWN: Cte = {
  name: 'drawn',
  text: `
  UPDATE quota_grants g SET used = g.used + d.units
  FROM (SELECT grant_id, sum(units)::integer AS units FROM draw GROUP BY grant_id) d WHERE g.id = d.grant_id
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
  (p.granted - greatest(0, ${spent} - p.own_end))::float8 AS granted, a.forms,
  (SELECT json_agg(${DRAW_JSON} ORDER BY d.begins) FROM draw d WHERE d.n = i.n) AS draws`;

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
