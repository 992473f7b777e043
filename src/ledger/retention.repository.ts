import { Injectable } from '@nestjs/common';
import { prepared } from '../database/prepared-statements';
import { StatementPool } from '../database/statement-pool';
import { ownCost, ownRefund, returned } from './forms.sql';
import { isCounter, limitsCharged } from './limits.sql';

const REMOVE = prepared(
  'remove finished',
  `
    WITH old AS (
      SELECT r.id, r.user_id, r.charged_on, r.charged_fold FROM requests r
      WHERE r.id > $2::uuid AND r.id < $3::uuid AND r.status IN ('succeeded', 'failed', 'canceled', 'expired')
      ORDER BY r.id LIMIT $1 FOR UPDATE SKIP LOCKED
    ), removed AS (
      DELETE FROM requests r USING old o, users u
      WHERE r.id = o.id AND u.id = o.user_id AND (o.charged_on, o.charged_fold) < (u.quota_reset_date, u.quota_reset_fold)
      RETURNING r.id, r.user_id, r.charged_on, r.charged_fold, r.cost, r.drawn_units, r.refunded_units, r.limits_charged
    ), noted AS (
      UPDATE quota_usage q SET removed_used = least(2147483647, q.removed_used + s.used),
        removed_refunded = least(2147483647, q.removed_refunded + s.refunded), removed_requests = least(2147483647, q.removed_requests + s.requests)
      FROM (
        SELECT user_id, charged_on, sum(${ownCost('r')} - ${ownRefund('r')}) AS used, sum(${ownRefund('r')}) AS refunded, count(*) AS requests
        FROM removed r GROUP BY user_id, charged_on
      ) s
      WHERE q.user_id = s.user_id AND q.date = s.charged_on
    ), noted_on_grants AS (
      UPDATE quota_grants g SET removed_used = least(2147483647, g.removed_used::bigint + s.used)
      FROM (
        SELECT d.grant_id, sum(d.units - ${returned('r.cost', '0', 'r.refunded_units')}) AS used
        FROM removed r JOIN request_draws d ON d.request_id = r.id WHERE r.drawn_units > 0 AND d.grant_id IS NOT NULL GROUP BY d.grant_id
      ) s
      WHERE g.id = s.grant_id
    ), noted_as_overage AS (
      UPDATE quota_overage o SET removed_units = least(2147483647, o.removed_units::bigint + s.units)
      FROM (
        SELECT r.user_id, r.charged_on, r.charged_fold, sum(d.units - ${returned('r.cost', '0', 'r.refunded_units')}) AS units
        FROM removed r JOIN request_draws d ON d.request_id = r.id WHERE r.drawn_units > 0 AND d.source = 'overage' GROUP BY 1, 2, 3
      ) s
      WHERE o.user_id = s.user_id AND o.date = s.charged_on AND o.fold = s.charged_fold
    ), noted_on_limits AS (
      UPDATE quota_limit_usage c SET removed_used = least(2147483647, c.removed_used::bigint + f.units)
      FROM (
        SELECT r.user_id, l.name, l.period, l.starts_at, sum(r.cost - r.refunded_units) AS units
        FROM removed r CROSS JOIN LATERAL ${limitsCharged('r')} GROUP BY 1, 2, 3, 4
      ) f
      WHERE ${isCounter('f')}
    )
    SELECT (SELECT count(*) FROM removed)::integer AS removed, max(id::text) AS last FROM old`,
);

const FIRST = '00000000-0000-0000-0000-000000000000';

const HORIZON = prepared(
  'retention horizon',
  `SELECT (lpad(to_hex(floor(extract(epoch FROM now() - make_interval(days => $1)) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid::text AS id`,
);

const REMOVE_CROSSINGS = prepared(
  'remove crossings',
  `
    WITH removed AS (
      DELETE FROM quota_events WHERE id = ANY (ARRAY(
        SELECT id FROM (SELECT id, created_at FROM quota_events ORDER BY id LIMIT $1) e WHERE created_at < now() - make_interval(days => $2)))
      RETURNING id
    )
    SELECT count(*)::integer AS removed FROM removed`,
);

/** A period may be of two days, where a zone changed; a crossing that is forgotten before its end would be noted, and reported, a second time. */
const MIN_CROSSING_DAYS = 3;

/** Cuts the ledger by age, and notes in the archive what it lost. */
@Injectable()
export class RetentionRepository {
  constructor(private readonly statements: StatementPool) {}

  /** Ids from here on are of the last so many days. */
  async horizon(days: number): Promise<string> {
    const [row] = await this.statements.run<{ id: string }>(HORIZON, [days]);
    return (row as { id: string }).id;
  }

  /**
   * Removes finished requests between two ids, one batch, whose day is archived: the user's row is in a later one. The
   * archive notes what it lost, in the same statement, so that it can still be audited. `last`
   * is where the next batch begins; null: there is none.
   */
  async remove(count: number, after: string | null, before: string): Promise<{ removed: number; last: string | null }> {
    const [result] = await this.statements.run<{ removed: number; last: string | null }>(REMOVE, [count, after ?? FIRST, before]);
    return result as { removed: number; last: string | null };
  }

  /** Removes a batch of the oldest crossings of shares of a quota, of those that are older than so many days and whose period is over. @returns how many */
  async removeCrossings(count: number, days: number): Promise<number> {
    const [result] = await this.statements.run<{ removed: number }>(REMOVE_CROSSINGS, [count, Math.max(days, MIN_CROSSING_DAYS)]);
    return (result as { removed: number }).removed;
  }
}
