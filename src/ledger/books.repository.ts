import { Injectable } from '@nestjs/common';
import { type Client } from 'pg';
import { Connections, type SessionSpec } from '../database/connections';
import { isLive, ownCost, ownRefund, returned } from './forms.sql';
import { limitsCharged } from './limits.sql';

/** One place where the books do not agree. */
export interface Difference {
  check: string;
  userId: number;
  /** The local day; null where the check is about the user as they are now. */
  date: string | null;
  expected: number;
  found: number;
}

export interface BooksReport {
  clean: boolean;
  /** What was compared: users, charged days, and requests. */
  users: number;
  days: number;
  requests: number;
  /** How many differences each check found; only checks that found any. */
  counts: Record<string, number>;
  /** The first hundred of each check. */
  differences: Difference[];
}

const SHOWN = 100;
/** A comparison takes as long as the ledger is long. */
const SESSION: SessionSpec = { application: 'quotidian audit', statementTimeoutMs: 0, settings: { work_mem: '64MB' } };

/** Deleted users are left out everywhere: their rows go a batch at a time. The ledger by user and period, without what grants paid; `open` marks the period that the user's counter belongs to. */
const LEDGER = `
  SELECT r.user_id, r.charged_on, r.charged_fold, r.charged_on = u.quota_reset_date AND r.charged_fold = u.quota_reset_fold AS open,
    count(*) AS requests, sum(${ownCost('r')}) AS charged, sum(${ownRefund('r')}) AS refunded,
    CASE WHEN bool_and(r.limit_at_charge IS NOT NULL) THEN max(r.limit_at_charge) END AS ceiling
  FROM requests r JOIN users u ON u.id = r.user_id AND u.status <> 'deleted'
  GROUP BY r.user_id, r.charged_on, r.charged_fold, u.quota_reset_date, u.quota_reset_fold`;

/** Each query gives user_id, date, expected, found for every difference. */
const CHECKS: Record<string, string> = {
  // Promise 1, by the sums: no period has more units than the largest quota that was in force in it.
  'over-admitted': `
    SELECT user_id, charged_on, ceiling AS expected, charged - refunded AS found FROM ledger WHERE charged - refunded > ceiling`,
  // Promise 1, charge by charge: the counter that was checked against the quota is the one that the charges before it left.
  // Refunds make the order unknowable, so periods that had any are held to the sums alone.
  'charged-out-of-line': `
    SELECT user_id, charged_on, expected, used_at_charge AS found FROM (
      SELECT r.user_id, r.charged_on, r.used_at_charge,
        sum(${ownCost('r')}) OVER (PARTITION BY r.user_id, r.charged_on, r.charged_fold ORDER BY r.used_at_charge) AS expected
      FROM requests r JOIN ledger l USING (user_id, charged_on, charged_fold)
      WHERE l.refunded = 0 AND r.used_at_charge IS NOT NULL
    ) c WHERE expected <> used_at_charge`,
  // Promise 3: the counter is what the period's requests cost less what was refunded.
  'counter-and-ledger': `
    SELECT u.id, NULL::date, coalesce(l.charged - l.refunded, 0) AS expected, u.api_quota_used_today AS found
    FROM users u LEFT JOIN ledger l ON l.user_id = u.id AND l.open
    WHERE coalesce(l.charged - l.refunded, 0) <> u.api_quota_used_today AND u.status <> 'deleted'`,
  'refunds-and-ledger': `
    SELECT u.id, NULL::date, coalesce(l.refunded, 0) AS expected, u.api_quota_refunded_today AS found
    FROM users u LEFT JOIN ledger l ON l.user_id = u.id AND l.open
    WHERE least(coalesce(l.refunded, 0), 2147483647) <> u.api_quota_refunded_today AND u.status <> 'deleted'`,
  'requests-and-ledger': `
    SELECT u.id, NULL::date, coalesce(l.requests, 0) AS expected, u.api_quota_requests_today AS found
    FROM users u LEFT JOIN ledger l ON l.user_id = u.id AND l.open
    WHERE coalesce(l.requests, 0) <> u.api_quota_requests_today AND u.status <> 'deleted'`,
  // What was refunded is counted as far as its column reaches: beyond, it is not compared.
  // The same for the days that are closed: what was archived is what the ledger holds, and what retention took out of it.
  'history-and-ledger': `
    SELECT coalesce(h.user_id, l.user_id), coalesce(h.date, l.charged_on), coalesce(l.used, 0) AS expected, coalesce(h.used, 0) AS found
    FROM (
      SELECT user_id, date, used - removed_used AS used, refunded - removed_refunded AS refunded, requests - removed_requests AS requests, refunded = 2147483647 AS full_up FROM quota_usage
      WHERE user_id NOT IN (SELECT user_id FROM user_removals)
    ) h FULL JOIN (
      SELECT user_id, charged_on, sum(charged - refunded) AS used, sum(refunded) AS refunded, sum(requests) AS requests
      FROM ledger WHERE NOT open GROUP BY user_id, charged_on
    ) l ON l.user_id = h.user_id AND l.charged_on = h.date
    WHERE (coalesce(l.used, 0), coalesce(l.requests, 0)) <> (coalesce(h.used, 0), coalesce(h.requests, 0))
      OR coalesce(l.refunded, 0) <> coalesce(h.refunded, 0) AND NOT coalesce(h.full_up, false)`,
  // What a request drew is what its draws add up to.
  'draws-and-ledger': `
    SELECT r.user_id, r.charged_on, r.drawn_units AS expected, coalesce(sum(d.units), 0) AS found
    FROM requests r JOIN users u ON u.id = r.user_id AND u.status <> 'deleted' LEFT JOIN request_draws d ON d.request_id = r.id
    WHERE r.drawn_units > 0 GROUP BY r.id, r.user_id, r.charged_on, r.drawn_units HAVING r.drawn_units <> coalesce(sum(d.units), 0)`,
  // A grant is used as far as requests drew on it and did not give it back.
  'grants-and-ledger': `
    SELECT g.user_id, NULL::date, g.removed_used + coalesce(s.units, 0) AS expected, g.used AS found
    FROM quota_grants g JOIN users u ON u.id = g.user_id AND u.status <> 'deleted' LEFT JOIN (
      SELECT d.grant_id, sum(d.units - ${returned('r.cost', '0', 'r.refunded_units')}) AS units
      FROM request_draws d JOIN requests r ON r.id = d.request_id GROUP BY d.grant_id
    ) s ON s.grant_id = g.id
    WHERE g.removed_used + coalesce(s.units, 0) <> g.used`,
  // What went beyond the quota in a period is what its requests drew so and did not give back.
  'overage-and-ledger': `
    SELECT coalesce(o.user_id, s.user_id), coalesce(o.date, s.charged_on), coalesce(o.removed_units, 0) + coalesce(s.units, 0) AS expected, coalesce(o.units, 0) AS found
    FROM (SELECT o.* FROM quota_overage o JOIN users u ON u.id = o.user_id AND u.status <> 'deleted') o FULL JOIN (
      SELECT r.user_id, r.charged_on, r.charged_fold, sum(d.units - ${returned('r.cost', '0', 'r.refunded_units')}) AS units
      FROM request_draws d JOIN requests r ON r.id = d.request_id JOIN users u ON u.id = r.user_id AND u.status <> 'deleted'
      WHERE d.source = 'overage' GROUP BY 1, 2, 3
    ) s ON s.user_id = o.user_id AND s.charged_on = o.date AND s.charged_fold = o.fold
    WHERE coalesce(o.removed_units, 0) + coalesce(s.units, 0) <> coalesce(o.units, 0)`,
  // The counter that the bound of overage is held against is that of its period.
  'overage-and-counter': `
    SELECT u.id, u.quota_overage_date, coalesce(o.units, 0) AS expected, u.quota_overage_today AS found
    FROM users u LEFT JOIN quota_overage o ON o.user_id = u.id AND o.date = u.quota_overage_date AND o.fold = u.quota_overage_fold
    WHERE u.status <> 'deleted' AND u.quota_overage_date = u.quota_reset_date AND u.quota_overage_fold = u.quota_reset_fold
      AND coalesce(o.units, 0) <> u.quota_overage_today`,
  // The counter of a limit is what its requests cost less what was refunded, whatever day they belong to. Counters of periods long over are gone.
  'limits-and-ledger': `
    SELECT c.user_id, c.starts_at::date, c.removed_used + coalesce(s.units, 0) AS expected, c.used AS found
    FROM quota_limit_usage c JOIN users u ON u.id = c.user_id AND u.status <> 'deleted' LEFT JOIN (
      SELECT r.user_id, l.name, l.period, l.starts_at, sum(r.cost - r.refunded_units) AS units
      FROM requests r CROSS JOIN LATERAL ${limitsCharged('r')} GROUP BY 1, 2, 3, 4
    ) s ON (s.user_id, s.name, s.period, s.starts_at) = (c.user_id, c.name, c.period, c.starts_at)
    WHERE c.removed_used + coalesce(s.units, 0) <> c.used`,
  // A charge finds out by the mark in the user's row that there is a grant.
  'grants-and-marks': `
    SELECT u.id, NULL::date, 1 AS expected, 0 AS found FROM users u
    WHERE NOT u.quota_forms AND u.status <> 'deleted' AND (EXISTS (SELECT FROM quota_grants g WHERE g.user_id = u.id AND ${isLive('g')})
      OR EXISTS (SELECT FROM user_quota_forms f WHERE f.user_id = u.id))`,
};

/** Reads the books twice, as they were kept and as the ledger adds up, in one snapshot of a live database. */
@Injectable()
export class BooksRepository {
  constructor(private readonly connections: Connections) {}

  /** @param onCheck is called for each check before it runs */
  async compare(onCheck?: (done: number, of: number) => void): Promise<BooksReport> {
    const client = this.connections.client(SESSION);
    await client.connect();
    try {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
      const { rows } = await client.query<{ users: number }>(`SELECT count(*)::integer AS users FROM users WHERE status <> 'deleted'`);
      const report = await this.run(client, await this.gather(client), onCheck);
      return { ...report, users: rows[0]?.users ?? 0 };
    } finally {
      await client.end();
    }
  }

  /**
   * Adds the ledger up once, where this role may make a temporary table. Returns what each query is to begin with: without
   * the table, the sums themselves, which takes several times as long and needs nothing but to read.
   */
  private async gather(client: Client): Promise<string> {
    const { rows } = await client.query<{ may: boolean }>(
      `SELECT has_database_privilege(current_database(), 'TEMPORARY') AND NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off' AS may`,
    );
    if (!rows[0]?.may) return `WITH ledger AS MATERIALIZED (${LEDGER})`;
    await client.query(`CREATE TEMPORARY TABLE ledger ON COMMIT DROP AS ${LEDGER}`);
    await client.query('ANALYZE ledger');
    return '';
  }

  private async run(client: Client, ledger: string, onCheck?: (done: number, of: number) => void): Promise<BooksReport> {
    const counts: Record<string, number> = {};
    const differences: Difference[] = [];
    const checks = Object.entries(CHECKS);
    for (const [done, [check, sql]] of checks.entries()) {
      onCheck?.(done, checks.length);
      const { rows } = await client.query<Omit<Difference, 'check'> & { total: number }>(
        `${ledger} SELECT d.user_id AS "userId", d.date::text, d.expected::float8, d.found::float8, count(*) OVER ()::integer AS total
         FROM (${sql}) d (user_id, date, expected, found) ORDER BY 1, 2 LIMIT ${SHOWN}`,
      );
      if (rows[0] === undefined) continue;
      counts[check] = rows[0].total;
      differences.push(...rows.map(({ userId, date, expected, found }) => ({ check, userId, date, expected, found })));
    }
    onCheck?.(checks.length, checks.length);
    const { rows } = await client.query<{ days: number; requests: number }>(
      `${ledger} SELECT count(*)::integer AS days, coalesce(sum(requests), 0)::float8 AS requests FROM ledger`,
    );
    return { clean: differences.length === 0, users: 0, days: rows[0]?.days ?? 0, requests: rows[0]?.requests ?? 0, counts, differences };
  }
}
