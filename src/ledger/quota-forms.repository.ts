import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { isLive } from './forms.sql';
import { isCounter } from './limits.sql';

const HAS_NONE = `u.max_in_flight IS NULL AND NOT EXISTS (SELECT FROM quota_grants g WHERE g.user_id = u.id AND ${isLive('g')})
  AND NOT EXISTS (SELECT FROM user_quota_forms f WHERE f.user_id = u.id)`;

/** The mark `users.quota_forms`, by which a charge finds out that there is more to look at than the counter. */
@Injectable()
export class QuotaFormsRepository {
  /** Locks the next users who have the mark and seem to need it no more, but for those whom somebody holds. */
  async lockMarked(tx: EntityManager, after: number, count: number): Promise<number[]> {
    const rows: { id: number }[] = await tx.query(
      `SELECT u.id FROM users u WHERE u.quota_forms AND u.id > $1 AND ${HAS_NONE} ORDER BY u.id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED`,
      [after, count],
    );
    return rows.map(({ id }) => id);
  }

  /** Clears the marks of those of them who need it no more, right under `lockMarked`. @returns how many */
  async clear(tx: EntityManager, ids: readonly number[]): Promise<number> {
    const [, cleared] = await tx.query<[unknown, number]>(`UPDATE users u SET quota_forms = false WHERE u.id = ANY ($1) AND u.quota_forms AND ${HAS_NONE}`, [
      ids,
    ]);
    return cleared;
  }

  /** Removes a batch of counters of limits whose period ended more than a week ago: nothing asks for them any more, and no change of zone reaches so far. @returns how many */
  async removeLimitUsage(tx: EntityManager, count: number): Promise<number> {
    const [, removed] = await tx.query<[unknown, number]>(
      `DELETE FROM quota_limit_usage c USING (
         SELECT user_id, name, period, starts_at FROM quota_limit_usage WHERE ends_at < now() - interval '7 days' ORDER BY ends_at LIMIT $1 FOR UPDATE SKIP LOCKED
       ) f WHERE ${isCounter('f')}`,
      [count],
    );
    return removed;
  }

  /** Removes a batch of grants of rolled over units that have expired a week ago, and that no request in the ledger drew on. @returns how many */
  async removeRolledOver(tx: EntityManager, count: number): Promise<number> {
    const [, removed] = await tx.query<[unknown, number]>(
      `DELETE FROM quota_grants WHERE id IN (
         SELECT g.id FROM quota_grants g WHERE g.rolled_from IS NOT NULL AND g.expires_at < now() - interval '7 days'
           AND NOT EXISTS (SELECT FROM request_draws d WHERE d.grant_id = g.id) LIMIT $1 FOR UPDATE SKIP LOCKED)`,
      [count],
    );
    return removed;
  }
}
