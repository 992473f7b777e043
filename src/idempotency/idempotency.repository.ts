import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { type IdempotentCall } from './idempotency-key';

/** An answer under a key; one without a body is still being made. */
export interface StoredAnswerRow {
  fingerprint: Buffer;
  responseStatus: number;
  responseText: string | null;
}

/** Where an answer is kept. */
export interface Place {
  userId: number;
  scope: string;
  key: string;
}

const BATCH = 1_000;
/** The status of an answer that is still being made (RFC 2518, section 10.1). */
const PROCESSING = 102;
/** A call whose lease was not renewed for so long has died with its process. Shorter than a retry waits. */
const DEAD_AFTER = `interval '3 seconds'`;
/** When a row was touched last, to the microsecond: of those who have it, the mark of the last. */
const MARK = 'created_at::text AS mark';
/** The row of a call that is under way, for who has its mark. */
const HELD = `user_id = $1 AND scope = $2 AND key = $3 AND created_at = $4::timestamptz AND response_status = ${PROCESSING} AND response_body IS NULL`;

@Injectable()
export class IdempotencyRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** Whether this transaction is the only one at work under the key. The lock ends with the transaction. */
  async tryLock(tx: EntityManager, { subject, scope, key }: IdempotentCall): Promise<boolean> {
    const [{ locked }] = await tx.query<[{ locked: boolean }]>(
      `SELECT pg_try_advisory_xact_lock(hashtextextended($1 || ' ' || $2 || ' ' || $3, 0)) AS locked`,
      [subject, scope, key],
    );
    return locked;
  }

  async find(place: Place, retentionHours: number, tx: EntityManager = this.dataSource.manager): Promise<StoredAnswerRow | null> {
    // Rows without a status answer by their request; those are of submits, which do not come here.
    const rows: StoredAnswerRow[] = await tx.query(
      `SELECT fingerprint, response_status AS "responseStatus", response_body AS "responseText" FROM idempotency_keys
       WHERE user_id = $1 AND scope = $2 AND key = $3 AND created_at > now() - make_interval(hours => $4) AND response_status IS NOT NULL`,
      [place.userId, place.scope, place.key, retentionHours],
    );
    return rows[0] ?? null;
  }

  /** Stores the answer in place of one that is past its retention; false: the user has `max` of the kind already. Null: no bound. */
  async store(tx: EntityManager, { userId, scope, key }: Place, fingerprint: Buffer, status: number, text: string, max: number | null): Promise<boolean> {
    const rows: unknown[] = await tx.query(
      `INSERT INTO idempotency_keys (user_id, scope, key, fingerprint, response_status, response_body)
       SELECT $1::integer, $2::varchar, $3::varchar, $4::bytea, $5::smallint, $6
       WHERE $7::integer IS NULL OR (SELECT count(*) FROM (SELECT FROM idempotency_keys WHERE user_id = $1 AND scope = $2 LIMIT $7) k) < $7
       ON CONFLICT (user_id, scope, key) DO UPDATE SET fingerprint = excluded.fingerprint, request_id = NULL,
         response_status = excluded.response_status, response_body = excluded.response_body, created_at = now()
       RETURNING key`,
      [userId, scope, key, fingerprint, status, text, max],
    );
    return rows.length === 1;
  }

  /**
   * Begins a call whose parts commit one by one. One caller alone begins it: over nothing, over what is past its retention,
   * or over the same call that died.
   * @returns the mark by which it is the caller's; null: there is another one under the key
   */
  async begin({ userId, scope, key }: Place, fingerprint: Buffer, retentionHours: number): Promise<string | null> {
    const rows: { mark: string }[] = await this.dataSource.query(
      `INSERT INTO idempotency_keys AS k (user_id, scope, key, fingerprint, response_status) VALUES ($1, $2, $3, $4, ${PROCESSING})
       ON CONFLICT (user_id, scope, key) DO UPDATE SET fingerprint = excluded.fingerprint, response_status = ${PROCESSING},
         response_body = NULL, created_at = now()
       WHERE k.created_at <= now() - make_interval(hours => $5)
         OR (k.response_body IS NULL AND k.fingerprint = excluded.fingerprint AND k.created_at < now() - ${DEAD_AFTER})
       RETURNING ${MARK}`,
      [userId, scope, key, fingerprint, retentionHours],
    );
    return rows[0]?.mark ?? null;
  }

  /** Renews the lease of a call that was begun. @returns its new mark; null: somebody took it over */
  async renew({ userId, scope, key }: Place, mark: string): Promise<string | null> {
    const [rows] = await this.dataSource.query<[{ mark: string }[], number]>(
      `UPDATE idempotency_keys SET created_at = clock_timestamp() WHERE ${HELD} RETURNING ${MARK}`,
      [userId, scope, key, mark],
    );
    return rows[0]?.mark ?? null;
  }

  /** Keeps the answer of a call that was begun, unless somebody took it over. */
  async finish({ userId, scope, key }: Place, mark: string, status: number, text: string): Promise<void> {
    await this.dataSource.query(`UPDATE idempotency_keys SET response_status = $5, response_body = $6 WHERE ${HELD}`, [userId, scope, key, mark, status, text]);
  }

  /** Forgets a call that was begun, unless somebody took it over: it came to nothing that is kept. */
  async giveUp({ userId, scope, key }: Place, mark: string): Promise<void> {
    await this.dataSource.query(`DELETE FROM idempotency_keys WHERE ${HELD}`, [userId, scope, key, mark]);
  }

  /** Removes one batch of rows past their retention, those that nobody else is removing. */
  async removeBatch(retentionHours: number): Promise<number> {
    const [, removed] = await this.dataSource.query<[unknown[], number]>(
      `DELETE FROM idempotency_keys WHERE (user_id, scope, key) IN (
         SELECT user_id, scope, key FROM idempotency_keys WHERE created_at < now() - make_interval(hours => $1)
         LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)`,
      [retentionHours],
    );
    return removed;
  }
}
