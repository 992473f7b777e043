import { isListenedTo, jsonInstant } from '../outbox/listened.sql';

/** What an event shows of a request: neither payload nor result, which may be large and are a call away. */
const requestData = (r: string): string => `jsonb_build_object('id', ${r}.id, 'type', ${r}.type, 'status', ${r}.status, 'cost', ${r}.cost,
      'refundedUnits', ${r}.refunded_units, 'chargedOn', ${r}.charged_on, 'apiKeyId', ${r}.api_key_id, 'attempt', ${r}.attempt,
      'errorCode', left(${r}.error ->> 'code', 200), 'createdAt', ${jsonInstant(`${r}.created_at`)}, 'startedAt', ${jsonInstant(`${r}.started_at`)},
      'finishedAt', ${jsonInstant(`${r}.finished_at`)})`;

/** The columns of `requests` that an event is made of: what a statement returns of the rows that it wrote. */
export const EVENT_COLUMNS = 'id, user_id, type, status, cost, refunded_units, charged_on, api_key_id, attempt, error, created_at, started_at, finished_at';

/** An event for each of these rows of `requests` that has ended and that somebody listens for. */
export const endingsOf = (rows: string): string => `
  INSERT INTO events (type, user_id, data)
  SELECT 'request.' || e.status, e.user_id, ${requestData('e')}
  FROM ${rows} e WHERE e.status IN ('succeeded', 'failed', 'canceled', 'expired') AND ${isListenedTo('e.user_id', `'request.' || e.status`, 'request')}
`;

/** An event for each share of a quota that was crossed for the first time in its period: the whole of it is exhausted. `account` has the users. */
export const CROSSINGS = `
  INSERT INTO events (type, user_id, data)
  SELECT a.type, a.user_id, jsonb_build_object('date', a.date, 'threshold', a.threshold, 'used', a.used, 'limit', a.quota, 'remaining', greatest(0, a.quota - a.used),
      'tier', t.tier, 'timeZone', split_part(t.period_zone, '@', 1), 'resetsAt', ${jsonInstant('quota_period_end(t.day, t.period_zone, t.zone)')})
  FROM (SELECT *, CASE WHEN threshold = 1 THEN 'quota.exhausted' ELSE 'quota.threshold-reached' END AS type FROM crossed) a JOIN account t USING (user_id)
  WHERE ${isListenedTo('a.user_id', 'a.type', 'quota')}
  ORDER BY a.user_id, a.threshold
`;
