import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';

const BATCH = 1_000;
const ADD = `ON CONFLICT (date) DO UPDATE SET users = removed_usage.users + excluded.users, requests = removed_usage.requests + excluded.requests,
  used = removed_usage.used + excluded.used, refunded = removed_usage.refunded + excluded.refunded`;

/** Totals of users who are deleted, kept without them. */
@Injectable()
export class RemovedUsageRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** A participant of the transaction that holds the user's row and marks it deleted: keeps what the counter holds, of the day that runs or is not closed out. */
  async keepOpenDay(tx: EntityManager, userId: number): Promise<void> {
    await tx.query(
      `INSERT INTO removed_usage (date, users, requests, used, refunded)
       SELECT quota_reset_date, 1, api_quota_requests_today, api_quota_used_today, api_quota_refunded_today
       FROM users WHERE id = $1 AND status <> 'deleted' AND api_quota_requests_today > 0 ${ADD}`,
      [userId],
    );
  }

  /** Removes a batch of the user's closed days, and adds them up in the same statement; in the order of days, in which others lock them too. @returns how many went */
  async moveClosedDays(userId: number): Promise<number> {
    const [{ count }] = await this.dataSource.query<[{ count: number }]>(
      `WITH gone AS (
         DELETE FROM quota_usage WHERE ctid = ANY (ARRAY(SELECT ctid FROM quota_usage WHERE user_id = $1 LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)) AND user_id = $1
         RETURNING date, requests, used, refunded
       ), kept AS (
         INSERT INTO removed_usage (date, users, requests, used, refunded)
         SELECT date, 1, requests, used, refunded FROM gone WHERE requests > 0 ORDER BY date ${ADD}
       )
       SELECT count(*)::integer AS count FROM gone`,
      [userId],
    );
    return count;
  }
}
