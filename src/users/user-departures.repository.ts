import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';

/** In one run of the job; those that are left come with the next. */
const BATCH = 1_000;

/** Accounts that were deleted and may still be restored. */
@Injectable()
export class UserDeparturesRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** Suspends the account, to be removed in so many days. False: it is on its way already. */
  async begin(tx: EntityManager, id: number, days: number): Promise<boolean> {
    const [rows] = await tx.query<[unknown[]]>(
      `WITH departing AS (
         INSERT INTO user_departures (user_id, status_before, removal_due_at)
         SELECT id, status, now() + make_interval(days => $2) FROM users WHERE id = $1 AND status <> 'deleted'
         ON CONFLICT DO NOTHING RETURNING user_id
       )
       UPDATE users u SET status = 'suspended', token_version = token_version + 1, updated_at = now() FROM departing d WHERE u.id = d.user_id RETURNING u.id`,
      [id, days],
    );
    return rows.length === 1;
  }

  /** Makes the account what it was. False: it was not on its way. */
  async restore(tx: EntityManager, id: number): Promise<boolean> {
    const [rows] = await tx.query<[unknown[]]>(
      `WITH stays AS (DELETE FROM user_departures WHERE user_id = $1 RETURNING user_id, status_before)
       UPDATE users u SET status = s.status_before, updated_at = now() FROM stays s WHERE u.id = s.user_id AND u.status <> 'deleted' RETURNING u.id`,
      [id],
    );
    return rows.length === 1;
  }

  /** Forgets that the account was on its way: its status is set by somebody else. */
  async forget(tx: EntityManager, id: number): Promise<void> {
    await tx.query(`DELETE FROM user_departures WHERE user_id = $1`, [id]);
  }

  /** Whether the account's time is over, under the lock of its row: it is not restored from then on. */
  async isOver(tx: EntityManager, id: number): Promise<boolean> {
    const rows: unknown[] = await tx.query(`SELECT FROM user_departures WHERE user_id = $1 AND removal_due_at <= now() FOR UPDATE`, [id]);
    return rows.length === 1;
  }

  /** The accounts whose time is over, the earliest first. */
  async due(): Promise<number[]> {
    const rows: { id: number }[] = await this.dataSource.query(
      `SELECT user_id AS id FROM user_departures WHERE removal_due_at <= now() ORDER BY removal_due_at LIMIT ${BATCH}`,
    );
    return rows.map(({ id }) => id);
  }
}
