import { type Cte } from '../database/build-statement';

/** SQL of a user's own limit, or their plan's. `plan` is what the plan has beside a daily quota. */
export const ofAll = (own: string, plan: string): string => `coalesce(${own}, (${plan} ->> 'maxInFlight')::integer)`;

/** Whether an account is held against limits beside the daily quota: of a period, or in flight. */
export const isLimited = (row: string): string =>
  `(${row}.max_in_flight IS NOT NULL OR coalesce((SELECT quota_plans()) -> (${row}.q).tier::text -> 5 ?| ARRAY['maxInFlight', 'maxInFlightByType', 'limits'], false))`;

/**
 * Limits of the units that a user may have in flight, with what is in flight. It is counted after the user's row was locked, and whoever
 * admits more needs that lock, so the count is exact whatever the statement's snapshot saw; what others end meanwhile only makes room.
 * The function is not called for users without such a limit: that would cost them a tenth of their charge.
 */
export const FLIGHT: Cte = {
  name: 'flight',
  materialized: true,
  text: `
  SELECT a.user_id, f.* FROM account a
  CROSS JOIN LATERAL (SELECT (SELECT quota_plans()) -> a.tier::text -> 5 AS plan) p
  CROSS JOIN LATERAL quota_in_flight(a.user_id, ${ofAll('a.max_in_flight', 'p.plan')}, p.plan -> 'maxInFlightByType') f
  WHERE a.locked AND a.forms AND (a.max_in_flight IS NOT NULL OR p.plan ?| ARRAY['maxInFlight', 'maxInFlightByType'])
`,
};

/** What a charge adds to what is in flight: nothing, if it has ended with its charge, or if a limit that is tried out would have refused it. */
const FLYING = `CASE WHEN i.status = 'succeeded' OR i.shadow THEN 0 ELSE i.cost END`;

/** The running sums: of all types, and of the charge's own. */
export const FLIGHT_RUNNING = `, i.type, ${FLYING} AS flying, f.ceiling AS flight_max, f.used AS flight_before, f.used + sum(${FLYING}) OVER (PARTITION BY i.user_id ORDER BY i.n) AS flight_after,
    g.ceiling AS type_max, g.used AS type_before, g.used + sum(${FLYING}) OVER (PARTITION BY i.user_id, i.type ORDER BY i.n) AS type_after`;
export const FLIGHT_JOINS = `LEFT JOIN flight f ON f.user_id = i.user_id AND f.type IS NULL LEFT JOIN flight g ON g.user_id = i.user_id AND g.type = i.type `;
export const FLIGHT_MISFIT = ' OR flying > 0 AND (flight_after > flight_max OR type_after > type_max)';
export const FLIGHT_SETTLED = `,
    coalesce(max(flight_after) FILTER (WHERE n < first_misfit) OVER (PARTITION BY user_id), flight_before) AS flight_then,
    coalesce(max(type_after) FILTER (WHERE n < first_misfit) OVER (PARTITION BY user_id, type), type_before) AS type_then`;
export const FLIGHT_VERDICT = `
      WHEN flying > 0 AND (flight_then + flying > flight_max OR type_then + flying > type_max) THEN 'over-in-flight'`;

/** What a refusal states: the limit that did not hold it. */
export const FLIGHT_STATE = `
    CASE WHEN flight_then + flying > flight_max THEN json_build_object('type', NULL, 'max', flight_max, 'used', flight_then)
      WHEN type_then + flying > type_max THEN json_build_object('type', type, 'max', type_max, 'used', type_then) END AS flight,`;
/** Whether a limit counts the request; one of another type does not. */
export const COUNTS_IN_FLIGHT = 'NOT i.shadow AND EXISTS (SELECT FROM flight f WHERE f.user_id = i.user_id AND coalesce(f.type = i.type, true))';
