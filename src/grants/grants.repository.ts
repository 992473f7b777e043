import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { isLive } from '../ledger/forms.sql';
import { type QuotaGrant } from '../ledger/entities/quota-grant.entity';
import { type GrantDto } from './dto/grant.dto';

export type NewGrant = Pick<QuotaGrant, 'userId' | 'units' | 'priority' | 'reason' | 'author' | 'expiresAt'>;

const GRANT = `g.id, g.units, g.used, CASE WHEN ${isLive('g')} THEN g.units - g.used ELSE 0 END AS remaining, g.priority, g.expires_at AS "expiresAt", g.reason, g.author,
  g.rolled_from::text AS "rolledFrom", g.revoked_at AS "revokedAt", g.created_at AS "createdAt"`;

@Injectable()
export class GrantsRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** Locks the user's row, as whoever moves units of theirs does first. False: no such user. */
  async lockUser(tx: EntityManager, userId: number): Promise<boolean> {
    const rows: unknown[] = await tx.query(`SELECT id FROM users WHERE id = $1 AND status <> 'deleted' FOR NO KEY UPDATE`, [userId]);
    return rows.length === 1;
  }

  async userExists(userId: number): Promise<boolean> {
    const rows: unknown[] = await this.dataSource.query(`SELECT FROM users WHERE id = $1 AND status <> 'deleted'`, [userId]);
    return rows.length === 1;
  }

  /** The grant that was made, right under `lockUser`; null: the user has `max` of them that have not ended. A trigger marks the user. */
  async insert(tx: EntityManager, { userId, units, priority, reason, author, expiresAt }: NewGrant, max: number): Promise<GrantDto | null> {
    const rows: GrantDto[] = await tx.query(
      `INSERT INTO quota_grants AS g (user_id, units, priority, reason, author, expires_at)
       SELECT $1, $2, $3, $4, $5, $6 WHERE (SELECT count(*) FROM quota_grants l WHERE l.user_id = $1 AND ${isLive('l')}) < $7::integer
       RETURNING ${GRANT}`,
      [userId, units, priority, reason, author, expiresAt, max],
    );
    return rows[0] ?? null;
  }

  /** The grant, right under `lockUser` or at any time without. */
  async find(userId: number, id: number, tx: EntityManager = this.dataSource.manager): Promise<GrantDto | null> {
    const rows: GrantDto[] = await tx.query(
      `SELECT ${GRANT} FROM quota_grants g JOIN users u ON u.id = g.user_id WHERE g.id = $2 AND g.user_id = $1 AND u.status <> 'deleted'`,
      [userId, id],
    );
    return rows[0] ?? null;
  }

  /** Newest first. */
  async list(userId: number, before: number | null, count: number): Promise<GrantDto[]> {
    return this.dataSource.query(
      `SELECT ${GRANT} FROM quota_grants g WHERE g.user_id = $1 AND ($2::integer IS NULL OR g.id < $2) ORDER BY g.id DESC LIMIT $3`,
      [userId, before, count],
    );
  }

  /** Ends the grant. What it has paid stays paid. */
  async revoke(tx: EntityManager, id: number): Promise<void> {
    await tx.query(`UPDATE quota_grants SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL`, [id]);
  }
}
