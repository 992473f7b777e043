import { type Cte } from '../database/build-statement';

/** Capped keys, locked in id order. Their owner may not be locked here: the key's own row wins when its period is the later one. */
export const cap = (skips: boolean): Cte => ({
  name: 'cap',
  materialized: true,
  text: `
  SELECT l.id, l.daily_cap, CASE WHEN l.counts THEN l.cap_used_today ELSE 0 END AS used,
    CASE WHEN l.counts THEN l.cap_reset_date ELSE (l.q).day END AS day, CASE WHEN l.counts THEN l.cap_reset_fold ELSE (l.q).fold END AS fold
  FROM (
    SELECT k.id, k.daily_cap, k.cap_used_today, k.cap_reset_date, k.cap_reset_fold, o.q,
      (k.cap_reset_date, k.cap_reset_fold) >= ((o.q).day, (o.q).fold) AS counts
    FROM api_keys k
    CROSS JOIN LATERAL (SELECT quota_of(u, (SELECT quota_default_zone()), (SELECT quota_plans())) AS q FROM users u WHERE u.id = k.user_id OFFSET 0) o
    WHERE k.id = ANY (ARRAY(SELECT key_id FROM item WHERE capped)) AND k.daily_cap IS NOT NULL
    ORDER BY k.id FOR NO KEY UPDATE OF k${skips ? ' SKIP LOCKED' : ''}
  ) l
`,
});

/** The counters of capped keys. */
export const CAPPED: Cte = {
  name: 'capped',
  text: `
  UPDATE api_keys k SET cap_used_today = s.used, cap_reset_date = c.day, cap_reset_fold = c.fold
  FROM (SELECT key_id, max(cap_after)::integer AS used FROM verdict WHERE outcome = 'admitted' AND daily_cap IS NOT NULL GROUP BY key_id) s
  JOIN cap c ON c.id = s.key_id WHERE k.id = s.key_id
`,
};
