import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { type IdempotentCall } from './idempotency-key';

interface StoredResponse {
  fingerprint: Buffer;
  responseStatus: number;
  responseBody: unknown;
}

const BATCH = 1_000;

@Injectable()
export class IdempotencyRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** Whether this transaction is the only one at work under the key. The lock ends with the transaction. */
  async tryLock(tx: EntityManager, { userId, scope, key }: IdempotentCall): Promise<boolean> {
    const [{ locked }] = await tx.query<[{ locked: boolean }]>(
      `SELECT pg_try_advisory_xact_lock(hashtextextended($1 || ' ' || $2 || ' ' || $3, 0)) AS locked`,
      [String(userId), scope, key],
    );
    return locked;
  }

  async find(tx: EntityManager, { userId, scope, key }: IdempotentCall, retentionHours: number): Promise<StoredResponse | null> {
    const rows: (Omit<StoredResponse, 'responseBody'> & { responseBody: string | null })[] = await tx.query(
      `SELECT fingerprint, response_status AS "responseStatus", response_body AS "responseBody" FROM idempotency_keys
       WHERE user_id = $1 AND scope = $2 AND key = $3 AND created_at > now() - make_interval(hours => $4)`,
      [userId, scope, key, retentionHours],
    );
    const [row] = rows;
    // A row without a body answers by its request; those are of submits, which do not come here.
    return row ? { ...row, responseBody: JSON.parse(row.responseBody ?? 'null') as unknown } : null;
  }

  /** Stores the answer in place of one that is past its retention. */
  async store(tx: EntityManager, { userId, scope, key, fingerprint }: IdempotentCall, status: number, body: object): Promise<void> {
    await tx.query(
      `INSERT INTO idempotency_keys (user_id, scope, key, fingerprint, response_status, response_body) VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (user_id, scope, key) DO UPDATE SET fingerprint = excluded.fingerprint, request_id = NULL,
         response_status = excluded.response_status, response_body = excluded.response_body, created_at = now()`,
      [userId, scope, key, fingerprint, status, JSON.stringify(body)],
    );
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
