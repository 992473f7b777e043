import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../bench/support/built.mjs';

/** Units that each user's day holds by the ledger, refunds taken off. */
const LEDGER = `SELECT user_id, charged_on, charged_fold, sum(cost - refunded_units)::integer AS units, count(*)::integer AS requests
  FROM requests GROUP BY user_id, charged_on, charged_fold`;

/** What must hold in the database after anything: each statement finds what breaks it. `quota` is constant in our runs. */
const INVARIANTS = {
  'I1 a counter is negative or beyond its quota': `SELECT id AS user_id, api_quota_used_today, api_quota_daily FROM users
    WHERE api_quota_used_today < 0 OR (NOT api_quota_unlimited AND api_quota_used_today > api_quota_daily)`,
  'I2 a counter is not what the ledger states': `SELECT u.id AS user_id, u.quota_reset_date, u.api_quota_used_today, coalesce(l.units, 0) AS ledger FROM users u
    LEFT JOIN (${LEDGER}) l ON l.user_id = u.id AND l.charged_on = u.quota_reset_date AND l.charged_fold = u.quota_reset_fold
    WHERE u.api_quota_used_today <> coalesce(l.units, 0) OR u.api_quota_requests_today <> coalesce(l.requests, 0)`,
  'I3 a day holds more than its quota': `SELECT l.* FROM (${LEDGER}) l JOIN users u ON u.id = l.user_id WHERE NOT u.api_quota_unlimited AND l.units > u.api_quota_daily`,
  'I3 a closed day is not what the ledger states': `SELECT q.user_id, q.date, q.used, l.units FROM quota_usage q
    FULL JOIN (SELECT l.user_id, l.charged_on AS date, sum(l.units) AS units, sum(l.requests) AS requests FROM (${LEDGER}) l JOIN users u ON u.id = l.user_id
      WHERE (l.charged_on, l.charged_fold) <> (u.quota_reset_date, u.quota_reset_fold) GROUP BY 1, 2) l USING (user_id, date)
    WHERE coalesce(q.used, 0) <> coalesce(l.units, 0) OR coalesce(q.requests, 0) <> coalesce(l.requests, 0)`,
  'I5 charges of a day do not add up one after another': `SELECT * FROM (
      SELECT user_id, id, charged_on, used_at_charge, sum(cost) OVER (PARTITION BY user_id, charged_on, charged_fold ORDER BY used_at_charge, id) AS adds_up_to FROM requests) r
    WHERE used_at_charge IS DISTINCT FROM adds_up_to`,
  'I6 a key made two requests, or a request has two keys': `SELECT request_id, count(*) FROM idempotency_keys WHERE scope = 'requests' GROUP BY request_id HAVING count(*) > 1`,
  'I7 a refund is larger than its charge': `SELECT id FROM requests WHERE refunded_units < 0 OR refunded_units > cost`,
  'I9 a key points to a request that is not there': `SELECT k.user_id, k.key FROM idempotency_keys k LEFT JOIN requests r ON r.id = k.request_id
    WHERE k.scope = 'requests' AND k.request_id IS NOT NULL AND (r.id IS NULL OR r.user_id <> k.user_id)`,
  'I9 a request was made without the key it was offered under': `SELECT r.id FROM requests r LEFT JOIN idempotency_keys k ON k.request_id = r.id WHERE k.key IS NULL`,
  'I13 a day lies in the future': `SELECT id AS user_id, quota_reset_date FROM users WHERE quota_reset_date > (now() AT TIME ZONE coalesce(time_zone, 'UTC'))::date`,
  'an event was written twice': `SELECT user_id, date, fold, threshold FROM quota_events GROUP BY 1, 2, 3, 4 HAVING count(*) > 1`,
  'an event is missing': `SELECT l.*, t.share FROM (${LEDGER}) l JOIN users u ON u.id = l.user_id CROSS JOIN (VALUES (0.5), (0.8), (1)) t(share)
    WHERE NOT u.api_quota_unlimited AND u.api_quota_daily > 0 AND l.units >= t.share * u.api_quota_daily AND NOT EXISTS (SELECT FROM quota_events e
      WHERE e.user_id = l.user_id AND e.date = l.charged_on AND e.fold = l.charged_fold AND e.threshold = t.share)`,
};

/** What the database holds against its own rules, one line for each rule that is broken. */
export async function brokenInvariants(cluster, except = []) {
  const broken = [];
  await cluster.session(async (sql) => {
    for (const [name, text] of Object.entries(INVARIANTS)) {
      if (except.some((prefix) => name.startsWith(prefix))) continue;
      const rows = await sql(`SELECT *, count(*) OVER () AS "of" FROM (${text}) x LIMIT 3`);
      if (rows.length > 0) broken.push(`${name}: ${rows[0].of} times, such as ${JSON.stringify(rows)}`);
    }
  });
  return broken;
}

/**
 * What clients were answered against what the database holds: I4, I5, I9 and I16, and that nothing was refused that fits. Where units
 * came back meanwhile, that is for their history to show.
 * @param {import('./cluster.mjs').Cluster} cluster
 * @param {{ users: any[], offers: import('./workload.mjs').Offer[], endings?: import('./endings.mjs').Endings | null }} run
 */
export async function brokenPromises(cluster, { users, offers, endings = null }) {
  const broken = [];
  const report = (what, found) => found.length > 0 && broken.push(`${what}: ${found.length} times, such as ${JSON.stringify(found.slice(0, 3))}`);
  const of = users.map(({ id }) => id);
  const rows = await cluster.sql(`SELECT id, user_id, cost, refunded_units, limit_at_charge, used_at_charge FROM requests WHERE user_id = ANY ($1)`, [of]);
  const stored = new Map(rows.map((row) => [row.id, row]));
  const admitted = offers.filter(({ id }) => id !== null);
  const shown = ({ key, id, user, cost }) => ({ key, id, user: user.id, cost });

  report('an outcome is not known', offers.filter(({ known }) => !known).map(shown));
  report('I4 an acknowledged request is lost', admitted.filter(({ id }) => !stored.has(id)).map(shown));
  const differs = (offer, row) =>
    row.user_id !== offer.user.id || row.cost !== offer.cost || (offer.left !== null && row.limit_at_charge - row.used_at_charge !== offer.left);
  report('a request is not what was answered', admitted.filter((offer) => stored.has(offer.id) && differs(offer, stored.get(offer.id))).map(shown));
  const acknowledged = new Set(admitted.map(({ id }) => id));
  report(
    'I5 a request was charged that nobody was answered for',
    rows.filter(({ id }) => !acknowledged.has(id)),
  );

  if (endings) {
    const differ = rows.filter(({ id, refunded_units }) => refunded_units !== (endings.refunds.get(id) ?? 0));
    report('a refund is not what was answered', differ);
    return broken;
  }

  const spent = new Map(users.map(({ id }) => [id, 0]));
  for (const { user_id, cost } of rows) spent.set(user_id, (spent.get(user_id) ?? 0) + cost);
  const wrong = users.flatMap((user) => {
    const own = offers.filter((offer) => offer.user === user);
    const offered = own.reduce((sum, { cost }) => sum + cost, 0);
    const min = Math.min(...own.filter(({ refused }) => refused).map(({ cost }) => cost));
    const units = spent.get(user.id) ?? 0;
    // Nothing is refunded, so what did not fit then does not fit now; and what was never refused was all admitted.
    const right = units <= user.quota && (min === Infinity ? units === offered : units + min > user.quota);
    return right ? [] : [{ user: user.id, quota: user.quota, offered, admitted: units, smallestRefused: min }];
  });
  report('admitted is not the smaller of offered and quota', wrong);
  return broken;
}

/** What `quotidian audit` states, when this build has it. */
export function auditFindings(cluster) {
  const cli = join(ROOT, 'dist/src/cli.js');
  if (!existsSync(cli)) return [];
  const env = { PATH: process.env.PATH, DATABASE_URL: cluster.url, LOG_LEVEL: 'silent' };
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, 'audit', '--json'], {
    cwd: ROOT,
    env,
    encoding: 'utf8',
  });
  return status === 0 ? [] : [`quotidian audit ended with ${status}: ${(stdout || stderr).slice(0, 500)}`];
}
