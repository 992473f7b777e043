import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { MAX_INTEGER } from '../common/limits';
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

  /**
   * Lets a secret work on beside the one that replaces it, in the place of any older one. The instant at which it ends, by the
   * database's clock; null: it would outlive the key.
   */
  async overlap(tx: EntityManager, id: number, formerHash: Buffer, seconds: number): Promise<Date | null> {
    const rows: { expiresAt: Date }[] = await tx.query(
      `INSERT INTO api_key_overlaps (api_key_id, key_hash, expires_at)
       SELECT id, $2::bytea, now() + make_interval(secs => $3) FROM api_keys
       WHERE id = $1 AND (expires_at IS NULL OR expires_at >= now() + make_interval(secs => $3))
       ON CONFLICT (api_key_id) DO UPDATE SET key_hash = excluded.key_hash, expires_at = excluded.expires_at
       RETURNING expires_at AS "expiresAt"`,
      [id, formerHash, seconds],
    );
    return rows[0]?.expiresAt ?? null;
  }

  /** Until when the former secrets of these keys work, of those that still do. */
  async overlaps(tx: EntityManager, ids: number[]): Promise<Map<number, Date>> {
    const rows: { id: number; expiresAt: Date }[] = await tx.query(
      `SELECT p.api_key_id AS id, least(p.expires_at, k.expires_at) AS "expiresAt" FROM api_key_overlaps p JOIN api_keys k ON k.id = p.api_key_id
       WHERE p.api_key_id = ANY ($1) AND least(p.expires_at, k.expires_at) > now()`,
      [ids],
    );
    return new Map(rows.map(({ id, expiresAt }) => [id, expiresAt]));
  }

  /**
   * Gives a key that had no cap its first one, with what it charged its own user in the present period counted already: else a
   * refund of such a charge would win it units. The caller holds the key's row.
   */
  async beginCap(tx: EntityManager, id: number, dailyCap: number): Promise<void> {
    await tx.query(
      `UPDATE api_keys k SET daily_cap = $2, cap_used_today = s.used, cap_reset_date = s.day, cap_reset_fold = s.fold
       FROM (
         SELECT q.day, q.fold, (
           SELECT least(coalesce(sum(r.cost - r.refunded_units), 0), ${MAX_INTEGER}) FROM requests r
           WHERE r.user_id = o.user_id AND r.charged_on = q.day AND r.charged_fold = q.fold AND r.api_key_id = o.id
         )::integer AS used
         FROM api_keys o JOIN users u ON u.id = o.user_id CROSS JOIN LATERAL quota_of(u, (SELECT quota_default_zone()), (SELECT quota_plans())) q
         WHERE o.id = $1
       ) s WHERE k.id = $1 AND k.daily_cap IS NULL`,
      [id, dailyCap],
    );
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
