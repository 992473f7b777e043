import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { type UsageItemDto } from './dto/usage.dto';

/** The projection for one user, with what the quota answer says beside it. */
export interface QuotaRow {
  unlimited: boolean;
  quota: number;
  used: number;
  tier: string;
  zone: string;
  day: string;
  startsAt: Date;
  endsAt: Date;
  now: Date;
  overridden: boolean;
  overrideDaily: number | null;
  overrideUnlimited: boolean;
  overrideExpiresAt: Date | null;
  overrideReason: string | null;
  overrideAuthor: number | null;
  nextTier: string | null;
  nextDailyQuota: number | null;
}

@Injectable()
export class QuotasRepository {
  constructor(private readonly dataSource: DataSource) {}

  async find(userId: number, tx: EntityManager = this.dataSource.manager): Promise<QuotaRow | null> {
    const rows: QuotaRow[] = await tx.query(
      `SELECT q.unlimited, q.quota, q.used, q.tier, q.zone, q.day::text, q.starts_at AS "startsAt", q.ends_at AS "endsAt", now() AS now,
         q.overridden, u.quota_override_daily AS "overrideDaily", u.quota_override_unlimited AS "overrideUnlimited",
         u.quota_override_expires_at AS "overrideExpiresAt", u.quota_override_reason AS "overrideReason",
         u.quota_override_author AS "overrideAuthor", CASE WHEN NOT q.closed THEN u.next_subscription_tier END AS "nextTier",
         CASE WHEN u.api_quota_custom THEN CASE WHEN NOT u.api_quota_unlimited THEN u.api_quota_daily END
           WHEN NOT u.next_quota_unlimited THEN u.next_quota_daily END AS "nextDailyQuota"
       FROM quota_now q JOIN users u ON u.id = q.user_id
       WHERE u.id = $1`,
      [userId],
    );
    return rows[0] ?? null;
  }

  /**
   * One row for each day, gaps filled with zeros. A day is what was archived for it, and what still stands in the user's
   * row: a day that is over and was not closed out, or the present period as the projection has it.
   */
  async usage(userId: number, from: string | null, to: string | null): Promise<UsageItemDto[]> {
    return this.dataSource.query(
      `WITH me AS (
         SELECT u.quota_reset_date AS stored, u.api_quota_used_today, u.api_quota_refunded_today, u.api_quota_requests_today, q.*
         FROM users u CROSS JOIN LATERAL quota_of(u, (SELECT quota_default_zone())) q WHERE u.id = $1
       ), day AS (
         SELECT d::date AS date FROM me, generate_series(
           coalesce($2::date, coalesce($3::date, me.day) - 29), coalesce($3::date, me.day), interval '1 day') d
       ), part AS (
         SELECT date, quota AS quota, used, refunded, requests FROM quota_usage WHERE user_id = $1
         UNION ALL
         SELECT stored, closed_quota, api_quota_used_today, api_quota_refunded_today, api_quota_requests_today FROM me WHERE closed
         UNION ALL
         SELECT day, CASE WHEN NOT unlimited THEN quota END, used, refunded, requests FROM me
       )
       SELECT d.date::text AS date,
         CASE WHEN count(p.date) > 0 THEN max(p.quota) ELSE (SELECT CASE WHEN NOT unlimited THEN quota END FROM me) END AS "limit",
         coalesce(sum(p.used), 0)::integer AS used, coalesce(sum(p.refunded), 0)::integer AS refunded,
         coalesce(sum(p.requests), 0)::integer AS requests
       FROM day d LEFT JOIN part p ON p.date = d.date GROUP BY d.date ORDER BY d.date`,
      [userId, from, to],
    );
  }

  /** Locks the user's row in the present period, closing the one before if it is over. False: no such user. */
  async openPeriod(tx: EntityManager, userId: number): Promise<boolean> {
    await tx.query(`SELECT quota_close_out(ARRAY[$1::integer])`, [userId]);
    const rows: unknown[] = await tx.query(`SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE`, [userId]);
    return rows.length === 1;
  }

  /**
   * Gives back everything that the present period was charged: the ledger says refunded, and the counters agree with it.
   * Runs in the transaction that holds the user's row. Only ids from the period's first instant on are looked at.
   */
  async refundPeriod(tx: EntityManager, userId: number): Promise<void> {
    await tx.query(
      `WITH me AS (
         SELECT q.day, q.fold, q.used, q.starts_at FROM quota_now q WHERE q.user_id = $1
       ), refunded AS (
         UPDATE requests r SET refunded_units = r.cost, updated_at = now() FROM me
         WHERE r.user_id = $1 AND r.charged_on = me.day AND r.charged_fold = me.fold AND r.refunded_units < r.cost
       ), uncapped AS (
         UPDATE api_keys SET cap_used_today = 0 WHERE user_id = $1 AND cap_used_today > 0
       )
       UPDATE users SET api_quota_used_today = 0, api_quota_refunded_today = api_quota_refunded_today + me.used
       FROM me WHERE id = $1`,
      [userId],
    );
  }

  /** The zones that users have, null for those who inherit theirs. Skips from one to the next along the index. */
  async zonesInUse(): Promise<(string | null)[]> {
    const rows: { name: string }[] = await this.dataSource.query(
      `WITH RECURSIVE zone AS (
         SELECT min(time_zone) AS name FROM users
         UNION ALL
         SELECT (SELECT min(u.time_zone) FROM users u WHERE u.time_zone > z.name) FROM zone z WHERE z.name IS NOT NULL
       ) SELECT name FROM zone WHERE name IS NOT NULL`,
    );
    return [null, ...rows.map((row) => row.name)];
  }

  /**
   * Closes out up to `count` users of one zone whose local day is over, and returns how many. Users whom a charge or another
   * replica holds are left to it: whoever leaves a stale day archives it.
   */
  async closeOutBatch(zone: string | null, count: number): Promise<number> {
    const [{ closed }] = await this.dataSource.query<[{ closed: number }]>(
      `SELECT quota_close_out(ARRAY(
         SELECT u.id FROM users u
         WHERE u.time_zone ${zone === null ? 'IS NULL' : '= $2'}
           AND u.quota_reset_date < (now() AT TIME ZONE ${zone === null ? '(SELECT quota_default_zone())' : '$2'})::date
           AND (quota_of(u, (SELECT quota_default_zone()))).closed
         LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED)) AS closed`,
      zone === null ? [count] : [count, zone],
    );
    return closed;
  }
}
