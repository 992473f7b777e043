import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { type ApiKey } from './entities/api-key.entity';

/** Revoked keys that are kept for each user, the latest: enough to see what the last ones were. */
const KEPT_REVOKED = 100;

export type NewKey = Pick<ApiKey, 'userId' | 'name' | 'prefix' | 'keyHash' | 'scopes' | 'dailyCap' | 'expiresAt'>;

@Injectable()
export class ApiKeysRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** Lets those who make keys of one user through one at a time, to the end of their transactions. Charges do not wait for it. */
  async lock(tx: EntityManager, userId: number): Promise<void> {
    await tx.query(`SELECT pg_advisory_xact_lock(hashtext('api_keys'), $1)`, [userId]);
  }

  /** The id of the key that was made, right under `lock`; null: the user has `max` keys that were not revoked, or is not there. */
  async insert(tx: EntityManager, key: NewKey, max: number): Promise<number | null> {
    const { userId, name, prefix, keyHash, scopes, dailyCap, expiresAt } = key;
    const rows: { id: number }[] = await tx.query(
      `INSERT INTO api_keys (user_id, name, prefix, key_hash, scopes, daily_cap, expires_at)
       SELECT u.id, $2, $3, $4::bytea, $5::text[], $6::integer, $7::timestamptz FROM users u
       WHERE u.id = $1 AND u.status <> 'deleted' AND (SELECT count(*) FROM api_keys k WHERE k.user_id = $1 AND k.revoked_at IS NULL) < $8::integer
       RETURNING id`,
      [userId, name, prefix, keyHash, scopes, dailyCap, expiresAt, max],
    );
    return rows[0]?.id ?? null;
  }

  /** Forgets revoked keys of the user but the latest: what they charged keeps their ids, which point nowhere then. */
  async forgetRevoked(tx: EntityManager, userId: number): Promise<void> {
    await tx.query(
      `DELETE FROM api_keys WHERE id IN (
         SELECT id FROM api_keys WHERE user_id = $1 AND revoked_at IS NOT NULL ORDER BY revoked_at DESC, id DESC OFFSET ${KEPT_REVOKED}
         FOR UPDATE SKIP LOCKED)`,
      [userId],
    );
  }

  /** Notes that these keys were used just now. To the minute is enough, and a row written seldom keeps its indexes as they are. */
  async touch(ids: number[]): Promise<void> {
    await this.dataSource.query(
      `UPDATE api_keys SET last_used_at = now()
       WHERE id = ANY ($1) AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')`,
      [ids],
    );
  }
}
