import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { type TokenPurpose } from './entities/one-time-token.entity';
import { EMAIL_IS_PROVEN } from './proofs.sql';

/** Tokens of one user and purpose that work side by side: more than anybody can have mailed to somebody within an hour. */
const LIVE_MAX = 50;
const REMOVED_AT_ONCE = 1_000;

export interface NewToken {
  tokenHash: Buffer;
  userId: number;
  purpose: TokenPurpose;
  email: string;
  lifetimeSeconds: number;
}

/** Whose address is to be proven, and which. */
export interface UnprovenAddress {
  email: string;
  pendingEmail: string | null;
  proven: boolean;
}

/** Whoever writes here holds the account's row, or is about to delete nothing: the account first, then its tokens. */
@Injectable()
export class ProofsRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** Keeps a new token, and of the earlier ones those that may work beside it. */
  async addToken(tx: EntityManager, { tokenHash, userId, purpose, email, lifetimeSeconds }: NewToken): Promise<void> {
    await tx.query(
      `DELETE FROM one_time_tokens WHERE token_hash IN (
         SELECT token_hash FROM one_time_tokens WHERE user_id = $1 AND purpose = $2 ORDER BY created_at DESC, token_hash OFFSET ${LIVE_MAX - 1} FOR UPDATE SKIP LOCKED)`,
      [userId, purpose],
    );
    await tx.query(
      `INSERT INTO one_time_tokens (token_hash, user_id, purpose, email, expires_at) VALUES ($1, $2, $3, $4, now() + $5::float8 * interval '1 second')`,
      [tokenHash, userId, purpose, email, lifetimeSeconds],
    );
  }

  /** Whose token it is, if it works now; it goes on working. */
  async holderOf(tokenHash: Buffer, purpose: TokenPurpose): Promise<number | null> {
    const rows: { userId: number }[] = await this.dataSource.query(
      `SELECT user_id AS "userId" FROM one_time_tokens WHERE token_hash = $1 AND purpose = $2 AND expires_at > now()`,
      [tokenHash, purpose],
    );
    return rows[0]?.userId ?? null;
  }

  /** Uses the token up, and returns where it was mailed to; null: it does not work. Of any number of calls at once one gets it. */
  async useToken(tx: EntityManager, tokenHash: Buffer, purpose: TokenPurpose): Promise<string | null> {
    const [rows] = await tx.query<[{ email: string }[], number]>(
      `DELETE FROM one_time_tokens WHERE token_hash = $1 AND purpose = $2 AND expires_at > now() RETURNING email`,
      [tokenHash, purpose],
    );
    return rows[0]?.email ?? null;
  }

  /** Ends all tokens of the user, and the change of address that waits. */
  async forgetAll(tx: EntityManager, userId: number): Promise<void> {
    await tx.query(`DELETE FROM one_time_tokens WHERE user_id = $1`, [userId]);
    await this.setPending(tx, userId, null);
  }

  /** Holds the account's row, which is active or suspended, and returns its address; null: there is none. */
  async lockAddress(tx: EntityManager, userId: number): Promise<string | null> {
    const rows: { email: string }[] = await tx.query(`SELECT email FROM users WHERE id = $1 AND status <> 'deleted' FOR NO KEY UPDATE`, [userId]);
    return rows[0]?.email ?? null;
  }

  async addressOf(userId: number, tx: EntityManager = this.dataSource.manager): Promise<UnprovenAddress | null> {
    const rows: UnprovenAddress[] = await tx.query(
      `SELECT u.email, p.pending_email AS "pendingEmail", ${EMAIL_IS_PROVEN} AS proven
       FROM users u LEFT JOIN address_proofs p ON p.user_id = u.id WHERE u.id = $1 AND u.status <> 'deleted'`,
      [userId],
    );
    return rows[0] ?? null;
  }

  async setPending(tx: EntityManager, userId: number, email: string | null): Promise<void> {
    if (email === null) await tx.query(`UPDATE address_proofs SET pending_email = NULL WHERE user_id = $1 AND pending_email IS NOT NULL`, [userId]);
    else {
      await tx.query(
        `INSERT INTO address_proofs (user_id, pending_email) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE SET pending_email = excluded.pending_email`,
        [userId, email],
      );
    }
  }

  async setProven(tx: EntityManager, userId: number, email: string): Promise<void> {
    await tx.query(
      `INSERT INTO address_proofs (user_id, proven_email, proven_at) VALUES ($1, lower($2 COLLATE "C"), now())
       ON CONFLICT (user_id) DO UPDATE SET proven_email = excluded.proven_email, proven_at = excluded.proven_at`,
      [userId, email],
    );
  }

  /** Gives the account its new address, which may be somebody else's by now: then the unique index refuses. */
  async moveAddress(tx: EntityManager, userId: number, email: string): Promise<void> {
    await tx.query(`UPDATE users SET email = $2, updated_at = now() WHERE id = $1`, [userId, email]);
  }

  /** Removes some of the tokens whose time is over; 0: there are none left. */
  async removeExpired(): Promise<number> {
    const [, count] = await this.dataSource.query<[unknown, number]>(
      `DELETE FROM one_time_tokens WHERE token_hash IN (
         SELECT token_hash FROM one_time_tokens WHERE expires_at <= now() LIMIT $1 FOR UPDATE SKIP LOCKED)`,
      [REMOVED_AT_ONCE],
    );
    return count;
  }
}
