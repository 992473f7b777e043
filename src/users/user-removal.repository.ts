import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';

/** Rows in one statement: a few hundredths of a second, so that nothing waits for it. */
const BATCH = 1_000;
const LAST_UUID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** Requests of an account that was deleted are in nobody's answer: for conditions on a `user_id`. */
export const OF_NOBODY_DELETED = `<> ALL (ARRAY(SELECT user_id FROM user_removals))`;

/** The position that every consumer has come to. */
const CONSUMED = '(SELECT coalesce(min(position), 9223372036854775807) FROM event_cursors)';

/** A table whose rows go with their user. */
export interface Dependent {
  table: string;
  column: string;
}

/**
 * Takes accounts away. The mark makes an account unknown to every reader; the rows go afterwards, in batches that hold
 * nothing but themselves. Crosses into the tables that hang on `users`: see docs/decisions/077-deletion-in-two-steps.md.
 */
@Injectable()
export class UserRemovalRepository {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Marks the account deleted, and frees its address and its external id. Of any number of calls at once one does, by the guard on the row.
   * Nothing that identifies a person is left in it, and no job finds a day to close in it.
   */
  async mark(tx: EntityManager, id: number): Promise<boolean> {
    const rows: unknown[] = await tx.query(
      `WITH marked AS (
         UPDATE users SET status = 'deleted', email = 'deleted:' || id || ':' || gen_random_uuid(), password_hash = '!', role = 'user',
           token_version = token_version + 1, time_zone = NULL, quota_reset_zone = NULL, quota_reset_date = '9999-12-31',
           next_subscription_tier = NULL, quota_override_daily = NULL, quota_override_unlimited = false,
           quota_override_expires_at = NULL, quota_override_reason = NULL, quota_override_author = NULL, updated_at = now()
         WHERE id = $1 AND status <> 'deleted' RETURNING id
       ), forgotten AS (
         DELETE FROM user_attributes a USING marked m WHERE a.user_id = m.id
       ), unnamed AS (
         DELETE FROM service_accounts s USING marked m WHERE s.user_id = m.id
       )
       INSERT INTO user_removals (user_id) SELECT id FROM marked RETURNING user_id`,
      [id],
    );
    return rows.length === 1;
  }

  /** The accounts whose rows still go, those that wait longest first. */
  async pending(): Promise<number[]> {
    const rows: { userId: number }[] = await this.dataSource.query(`SELECT user_id AS "userId" FROM user_removals ORDER BY created_at, user_id LIMIT ${BATCH}`);
    return rows.map(({ userId }) => userId);
  }

  /** Every table with a foreign key to `users`, those of later migrations too; requests, keyed answers and closed days have ways of their own. */
  async dependents(): Promise<Dependent[]> {
    return this.dataSource.query(
      `SELECT c.conrelid::regclass::text AS "table", quote_ident(a.attname) AS "column"
       FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
       WHERE c.confrelid = 'users'::regclass AND c.contype = 'f'
         AND c.conrelid NOT IN ('requests'::regclass, 'idempotency_keys'::regclass, 'quota_usage'::regclass, 'user_removals'::regclass) ORDER BY 1`,
    );
  }

  /** Removes requests that are carried out, so that their workers learn of it. The index of what is at work finds them. */
  removeProcessing(id: number): Promise<number> {
    return this.count(
      `DELETE FROM requests WHERE id IN (
         SELECT id FROM requests WHERE status = 'processing' AND user_id = $1 LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)`,
      [id],
    );
  }

  /** Removes a batch of requests, newest first, from before the one given. `last` is where the next batch begins; null: there is none. */
  async removeRequests(id: number, before = LAST_UUID): Promise<{ removed: number; last: string | null }> {
    const [batch] = await this.dataSource.query<[{ removed: number; last: string | null }]>(
      `WITH batch AS MATERIALIZED (
         SELECT id FROM requests WHERE user_id = $1 AND id < $2::uuid ORDER BY id DESC LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
       ), removed AS (
         DELETE FROM requests r USING batch b WHERE r.id = b.id RETURNING r.id
       )
       SELECT (SELECT count(*) FROM removed)::integer AS removed, (SELECT min(id::text) FROM batch) AS last`,
      [id, before],
    );
    return batch;
  }

  /** The same for the answers that are kept under an Idempotency-Key, in the order of their index. */
  async removeKeyedAnswers(id: number, after: [scope: string, key: string] = ['', '']): Promise<{ removed: number; last: [string, string] | null }> {
    const rows: { scope: string; key: string }[] = await this.dataSource.query(
      `WITH batch AS MATERIALIZED (
         SELECT scope, key FROM idempotency_keys WHERE user_id = $1 AND (scope, key) > ($2, $3)
         ORDER BY scope, key LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
       ), removed AS (
         DELETE FROM idempotency_keys k USING batch b WHERE k.user_id = $1 AND k.scope = b.scope AND k.key = b.key
       )
       SELECT scope, key FROM batch ORDER BY scope, key`,
      [id, ...after],
    );
    const last = rows.at(-1);
    return { removed: rows.length, last: last ? [last.scope, last.key] : null };
  }

  /** Removes a batch of a table's rows; 0: there is none left that nobody holds. */
  removeFrom({ table, column }: Dependent, id: number): Promise<number> {
    return this.count(
      `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM ${table} WHERE ${column} = $1 LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)) AND ${column} = $1`,
      [id],
    );
  }

  /** Removes a batch of the user's events. They go once all consumers had them; that the account was deleted is left to be read. */
  removeEvents(id: number): Promise<number> {
    return this.count(
      `DELETE FROM events WHERE id = ANY (ARRAY(
         SELECT id FROM events WHERE user_id = $1 AND type <> 'user.deleted' AND position <= ${CONSUMED} LIMIT ${BATCH} FOR UPDATE SKIP LOCKED))`,
      [id],
    );
  }

  /** The account itself, with what came meanwhile; not before its events went. */
  removeUser(id: number): Promise<number> {
    return this.count(
      `DELETE FROM users WHERE id = $1 AND status = 'deleted'
         AND NOT EXISTS (SELECT FROM events WHERE user_id = $1 AND type <> 'user.deleted' AND position IS NOT NULL)`,
      [id],
    );
  }

  private async count(text: string, values: unknown[]): Promise<number> {
    const [, count] = await this.dataSource.query<[unknown, number]>(text, values);
    return count;
  }
}
