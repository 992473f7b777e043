import { Injectable } from '@nestjs/common';
import { type EntityManager, Raw } from 'typeorm';
import { type SealedValue } from '../settings/secret-box';

export interface NewEndpoint {
  id: number;
  /** Null: the operator's. */
  userId: number | null;
  url: string;
  events: string[];
  ordered: boolean;
  description: string;
  secret: SealedValue;
}

/**
 * Of the operator, or of a user who is not being removed: the rows of one who is go later than the answer. Asked of the one user: an EXISTS has all of them
 * read first where the planner finds that cheaper.
 */
export const OWNER_IS_THERE = Raw((userId) => `(${userId} IS NULL OR (SELECT u.status <> 'deleted' FROM users u WHERE u.id = ${userId}))`);

@Injectable()
export class EndpointsRepository {
  /** Lets those who make endpoints of one owner through one at a time, to the end of their transactions. */
  async lock(tx: EntityManager, userId: number | null): Promise<void> {
    await tx.query(`SELECT pg_advisory_xact_lock(hashtext('webhook_endpoints'), $1)`, [userId ?? 0]);
  }

  /** An id that nothing else gets: secrets are sealed for it before the row is there. */
  async drawId(tx: EntityManager): Promise<number> {
    const [{ id }] = await tx.query<[{ id: number }]>(`SELECT nextval(pg_get_serial_sequence('webhook_endpoints', 'id'))::integer AS id`);
    return id;
  }

  /** Whether it was made, right under `lock`. False: the owner has `max` of them, or is not there. */
  async insert(tx: EntityManager, endpoint: NewEndpoint, max: number): Promise<boolean> {
    const { id, userId, url, events, ordered, description, secret } = endpoint;
    const rows: unknown[] = await tx.query(
      `INSERT INTO webhook_endpoints (id, user_id, url, events, ordered, description, secret)
       SELECT $1::integer, $2::integer, $3, $4::text[], $5::boolean, $6, $7::jsonb
       WHERE ($2::integer IS NULL OR EXISTS (SELECT FROM users u WHERE u.id = $2 AND u.status <> 'deleted'))
         AND (SELECT count(*) FROM webhook_endpoints e WHERE e.user_id = $2 OR $2::integer IS NULL AND e.user_id IS NULL) < $8::integer
       RETURNING id`,
      [id, userId, url, events, ordered, description, JSON.stringify(secret), max],
    );
    return rows.length === 1;
  }

  /** Puts a new secret in the place of the present one, which goes on to sign for so many hours. */
  async rotate(tx: EntityManager, id: number, secret: SealedValue, previous: SealedValue | null, overlapHours: number): Promise<Date> {
    const [[{ previousExpiresAt }]] = await tx.query<[[{ previousExpiresAt: Date }]]>(
      `UPDATE webhook_endpoints SET previous_secret = $3::jsonb, secret = $2::jsonb, updated_at = now(), previous_expires_at = now() + make_interval(hours => $4)
       WHERE id = $1 RETURNING previous_expires_at AS "previousExpiresAt"`,
      [id, JSON.stringify(secret), previous === null ? null : JSON.stringify(previous), overlapHours],
    );
    return previousExpiresAt;
  }
}
