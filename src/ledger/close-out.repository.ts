import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { returned } from './forms.sql';
import { isCounter, limitsCharged } from './limits.sql';
import { OWNER_ZONE } from './owner-zone.sql';

/** Turns the page of users whose day is over, and gives a period's units back. */
@Injectable()
export class CloseOutRepository {
  /** Locks the user's row in the present period, closing the one before if it is over. False: no such user. */
  async openPeriod(tx: EntityManager, userId: number): Promise<boolean> {
    await tx.query(`SELECT quota_close_out(ARRAY[$1::integer])`, [userId]);
    const rows: unknown[] = await tx.query(`SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE`, [userId]);
    return rows.length === 1;
  }

  /**
   * Gives back everything that the present period was charged, to the grants too: the ledger shows them as refunded, and the counters agree with it.
   * Runs in the transaction that holds the user's row. A cap is credited with what its key was charged for this user, be it
   * the user's own key or a `service` key of another; what a key of this user was charged for others stays.
   */
  async refundPeriod(tx: EntityManager, userId: number): Promise<void> {
    await tx.query(
      `WITH me AS (
         SELECT q.day, q.fold, q.used, q.starts_at FROM quota_now q WHERE q.user_id = $1
       ), due AS MATERIALIZED (
         SELECT r.id, r.api_key_id, r.charged_on, r.charged_fold, r.created_at, r.cost - r.refunded_units AS units,
           r.cost, r.drawn_units, r.refunded_units, r.user_id, r.limits_charged FROM requests r, me
         WHERE r.user_id = $1 AND r.charged_on = me.day AND r.charged_fold = me.fold AND r.refunded_units < r.cost
         ORDER BY r.id FOR NO KEY UPDATE OF r
       ), refunded AS (
         UPDATE requests r SET refunded_units = r.cost, updated_at = now() FROM due d WHERE r.id = d.id
       ), returned AS (
         UPDATE quota_grants g SET used = greatest(0, g.used - f.units)
         FROM (
           SELECT d.grant_id, sum(${returned('e.cost', 'e.refunded_units', 'e.cost')})::integer AS units
           FROM due e JOIN request_draws d ON d.request_id = e.id WHERE e.drawn_units > e.refunded_units AND d.grant_id IS NOT NULL GROUP BY d.grant_id
         ) f WHERE g.id = f.grant_id AND f.units > 0
       ), overage_returned AS (
         UPDATE quota_overage o SET units = greatest(0, o.units - f.units)
         FROM (
           SELECT e.charged_on, e.charged_fold, sum(${returned('e.cost', 'e.refunded_units', 'e.cost')})::integer AS units
           FROM due e JOIN request_draws d ON d.request_id = e.id WHERE e.drawn_units > e.refunded_units AND d.source = 'overage' GROUP BY 1, 2
         ) f WHERE o.user_id = $1 AND o.date = f.charged_on AND o.fold = f.charged_fold
       ), unlimited AS (
         UPDATE quota_limit_usage c SET used = greatest(0, c.used - f.units)
         FROM (
           SELECT e.user_id, l.name, l.period, l.starts_at, sum(e.units)::integer AS units FROM due e CROSS JOIN LATERAL ${limitsCharged('e')} GROUP BY 1, 2, 3, 4
         ) f WHERE ${isCounter('f')}
       ), key AS MATERIALIZED (
         SELECT k.id, k.user_id, k.cap_reset_date AS day, k.cap_reset_fold AS fold FROM api_keys k
         WHERE k.id = ANY (ARRAY(SELECT api_key_id FROM due)) AND k.daily_cap IS NOT NULL
         ORDER BY k.id FOR NO KEY UPDATE
       ), uncapped AS (
         UPDATE api_keys k SET cap_used_today = greatest(0, k.cap_used_today - f.units)
         FROM (
           SELECT c.id, sum(d.units) AS units FROM due d JOIN key c ON c.id = d.api_key_id JOIN users o ON o.id = c.user_id
           WHERE CASE WHEN c.user_id = $1 THEN (c.day, c.fold) = (d.charged_on, d.charged_fold)
             ELSE c.day = quota_day_at(d.created_at, ${OWNER_ZONE}) END
           GROUP BY c.id
         ) f WHERE k.id = f.id
       )
       UPDATE users SET api_quota_used_today = 0, quota_overage_today = 0, api_quota_refunded_today = least(2147483647, api_quota_refunded_today::bigint + me.used)
       FROM me WHERE id = $1`,
      [userId],
    );
  }
}
