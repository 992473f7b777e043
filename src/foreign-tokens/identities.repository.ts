import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';

/** The first four bytes of sha256('quotidian identities'). */
const IDENTITIES_LOCK = -1_666_590_507;

export interface Identity {
  userId: number;
  tier: string | null;
}

export interface LinkedIdentity {
  id: string;
  issuer: string;
  subject: string;
  createdAt: Date;
}

/** What names an identity in an address: of a fixed length, whatever the provider calls people. */
const ID = `encode(sha256(convert_to(issuer || E'\\n' || subject, 'UTF8')), 'hex')`;
const LINKED = `${ID} AS id, issuer, subject, created_at AS "createdAt"`;

/** Which user somebody at an identity provider is. */
@Injectable()
export class IdentitiesRepository {
  constructor(private readonly dataSource: DataSource) {}

  async find(issuer: string, subject: string, tx: EntityManager = this.dataSource.manager): Promise<Identity | null> {
    const rows: Identity[] = await tx.query(`SELECT user_id AS "userId", tier FROM user_identities WHERE issuer = $1 AND subject = $2`, [issuer, subject]);
    return rows[0] ?? null;
  }

  /** Until the transaction ends nobody else links or makes a user for this subject: of replicas that see somebody first at once, one does. */
  async lock(tx: EntityManager, subject: string): Promise<void> {
    await tx.query(`SELECT pg_advisory_xact_lock($1, hashtext($2))`, [IDENTITIES_LOCK, subject]);
  }

  /**
   * The user whom an administrator gave the subject as `externalId`, for whom no provider has spoken yet. Never an administrator: a provider of
   * users does not make one.
   */
  async prepared(tx: EntityManager, subject: string): Promise<number | null> {
    const rows: { id: number }[] = await tx.query(
      `SELECT u.id FROM user_attributes a JOIN users u ON u.id = a.user_id
       WHERE a.external_id = $1 AND u.status <> 'deleted' AND u.role = 'user' AND NOT EXISTS (SELECT FROM user_identities i WHERE i.user_id = u.id)`,
      [subject],
    );
    return rows[0]?.id ?? null;
  }

  async add(tx: EntityManager, issuer: string, subject: string, userId: number): Promise<void> {
    await tx.query(`INSERT INTO user_identities (issuer, subject, user_id) VALUES ($1, $2, $3)`, [issuer, subject, userId]);
  }

  /** How many the account has. Holds its row, so that of two that add one at once the later counts the earlier. */
  async countOf(tx: EntityManager, userId: number): Promise<number> {
    await tx.query(`SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE`, [userId]);
    const [{ count }] = await tx.query<[{ count: number }]>(`SELECT count(*)::integer AS count FROM user_identities WHERE user_id = $1`, [userId]);
    return count;
  }

  /** All of the account, the oldest first: there are few. */
  async of(userId: number, tx: EntityManager = this.dataSource.manager): Promise<LinkedIdentity[]> {
    return tx.query(`SELECT ${LINKED} FROM user_identities WHERE user_id = $1 ORDER BY created_at, issuer, subject`, [userId]);
  }

  /** Unlinks it; null: the account has none of this id. */
  async remove(tx: EntityManager, userId: number, id: string): Promise<LinkedIdentity | null> {
    const [rows] = await tx.query<[LinkedIdentity[], number]>(`DELETE FROM user_identities WHERE user_id = $1 AND ${ID} = $2 RETURNING ${LINKED}`, [
      userId,
      id,
    ]);
    return rows[0] ?? null;
  }

  /** Whether the account has a password. */
  async hasPassword(tx: EntityManager, userId: number): Promise<boolean> {
    const rows: unknown[] = await tx.query(`SELECT FROM users WHERE id = $1 AND password_hash <> '!'`, [userId]);
    return rows.length > 0;
  }

  /** Whether a plan is offered, and the issuer did not ask for it last; notes that it does now. One guarded statement: of replicas at once, one changes the user. */
  async noteTier(tx: EntityManager, issuer: string, subject: string, tier: string): Promise<boolean> {
    const [, count] = await tx.query<[unknown, number]>(
      `UPDATE user_identities SET tier = $3 WHERE issuer = $1 AND subject = $2 AND tier IS DISTINCT FROM $3
         AND EXISTS (SELECT FROM subscription_tiers WHERE name = $3 AND NOT archived AND alias_of IS NULL)`,
      [issuer, subject, tier],
    );
    return count === 1;
  }
}
