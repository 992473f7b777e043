import { type Cte } from '../database/build-statement';

/**
 * Limits of units in a period, beside the daily quota. Each is a counter of its own; a charge is held against all that count its type,
 * and charged to all of them or to none. As with the day, the running sum after a charge is its counter as long as all before it fit.
 */
export const BOUND: Cte = {
  name: 'bound',
  materialized: true,
  text: `
  SELECT a.user_id, l.* FROM account a
  CROSS JOIN LATERAL (SELECT (SELECT quota_plans()) -> a.tier::text -> 5 -> 'limits' AS limits) p
  CROSS JOIN LATERAL quota_limits_of(a.user_id, p.limits, a.zone) l
  WHERE a.forms AND p.limits IS NOT NULL
`,
};

/** What each counter would be after the charge, if all of its user's before it were admitted. What a limit that is tried out would refuse adds nothing. */
export const BOUND_RUNNING: Cte = {
  name: 'bound_running',
  materialized: true,
  text: `
  SELECT r.n, r.user_id, r.cost, r.shadow, b.n AS limit_n, b.units AS ceiling, b.used AS before,
    b.used + sum(CASE WHEN r.shadow THEN 0 ELSE r.cost END) OVER (PARTITION BY r.user_id, b.n ORDER BY r.n) AS after
  FROM running r JOIN bound b ON b.user_id = r.user_id AND (b.types IS NULL OR b.types ? r.type::text)
`,
};

export const BOUND_MISFIT = ' OR n IN (SELECT o.n FROM bound_running o WHERE NOT o.shadow AND o.after > o.ceiling)';

/** What the counters are when the user's first misfit comes up. */
export const BOUND_SETTLED: Cte = {
  name: 'bound_settled',
  materialized: true,
  text: `
  SELECT b.*, s.first_misfit, coalesce(max(b.after) FILTER (WHERE b.n < s.first_misfit) OVER (PARTITION BY b.user_id, b.limit_n), b.before) AS used_then
  FROM bound_running b JOIN sorted s USING (n)
`,
};

const OVER = 'NOT s.shadow AND s.n >= s.first_misfit AND s.used_then + s.cost > s.ceiling';
const ms = (instant: string): string => `(extract(epoch FROM ${instant}) * 1000)::float8`;

/** By charge: whether a limit refuses it, how those stand that count it, and by which names they are found when units go back. */
export const BOUND_ANSWER: Cte = {
  name: 'bound_answer',
  materialized: true,
  text: `
  SELECT s.n, bool_or(${OVER}) AS over,
    json_agg(json_build_object('name', b.name, 'limit', b.units, 'used', CASE WHEN s.n < s.first_misfit THEN s.after ELSE s.used_then END,
      'startsAt', ${ms('b.starts_at')}, 'endsAt', ${ms('b.ends_at')}, 'over', ${OVER}) ORDER BY b.n) AS limits,
    jsonb_agg(jsonb_build_object('name', b.name, 'period', b.period, 'starts_at', b.starts_at) ORDER BY b.n) FILTER (WHERE NOT s.shadow) AS charged
  FROM bound_settled s JOIN bound b ON b.user_id = s.user_id AND b.n = s.limit_n GROUP BY s.n
`,
};

/** What an answer shows of them: a replay, which charges nothing, those that count its type, after all that the batch was charged. */
export const REPLAYED_LIMITS = `coalesce(o.limits, (
    SELECT json_agg(json_build_object('name', b.name, 'limit', b.units, 'startsAt', ${ms('b.starts_at')}, 'endsAt', ${ms('b.ends_at')}, 'used', b.used + coalesce((
      SELECT sum(s.cost) FROM bound_settled s JOIN verdict w USING (n) WHERE w.outcome = 'admitted' AND NOT s.shadow AND s.user_id = b.user_id AND s.limit_n = b.n), 0)) ORDER BY b.n)
    FROM bound b WHERE v.n IS NULL AND b.user_id = i.user_id AND (b.types IS NULL OR b.types ? i.type::text)))`;

export const BOUND_VERDICT = `
      WHEN n IN (SELECT o.n FROM bound_answer o WHERE o.over) THEN 'over-limit'`;

/** The counters. */
export const BOUND_CHARGED: Cte = {
  name: 'bound_charged',
  text: `
  INSERT INTO quota_limit_usage (user_id, name, period, starts_at, ends_at, used)
  SELECT b.user_id, b.name, b.period, b.starts_at, b.ends_at, sum(s.cost)::integer
  FROM verdict v JOIN bound_settled s USING (n) JOIN bound b ON b.user_id = s.user_id AND b.n = s.limit_n
  WHERE v.outcome = 'admitted' AND NOT s.shadow GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3
  ON CONFLICT (user_id, name, period, starts_at) DO UPDATE SET used = quota_limit_usage.used + excluded.used
`,
};

/** The counters that a request `r` was charged to, one row each; none for nearly everybody. */
export const limitsCharged = (r: string): string => `jsonb_to_recordset(${r}.limits_charged) AS l(name text, period text, starts_at timestamptz)`;

/** Whether `c` is the counter that a row `f` names. */
export const isCounter = (f: string): string => `c.user_id = ${f}.user_id AND c.name = ${f}.name AND c.period = ${f}.period AND c.starts_at = ${f}.starts_at`;

/** How the limits of a user's plan stand, as JSON; null: it has none. */
export const limitsOf = (
  user: string,
  tier: string,
  zone: string,
): string => `CASE WHEN (SELECT quota_plans()) -> ${tier}::text -> 5 -> 'limits' IS NOT NULL THEN (
  SELECT json_agg(json_build_object('name', l.name, 'period', l.period, 'types', l.types, 'limit', l.units, 'used', l.used,
    'startsAt', ${ms('l.starts_at')}, 'endsAt', ${ms('l.ends_at')}) ORDER BY l.n)
  FROM quota_limits_of(${user}, (SELECT quota_plans()) -> ${tier}::text -> 5 -> 'limits', ${zone}) l) END`;
