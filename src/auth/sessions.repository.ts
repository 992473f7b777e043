import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';

/** The first four bytes of sha256('quotidian sessions'). */
const SESSIONS_LOCK = -633_305_476;
const REMOVED_AT_ONCE = 1_000;

export interface NewSession {
  userId: number;
  tokenVersion: number;
  lineageHash: Buffer;
  tokenHash: Buffer;
  lifetimeMs: number;
}

export interface Rotation {
  lineageHash: Buffer;
  /** The token that is shown. */
  tokenHash: Buffer;
  /** Its successor. */
  nextHash: Buffer;
  lifetimeMs: number;
}

export interface RotatedSession {
  id: string;
  userId: number;
  tokenVersion: number;
}

/** Sessions. Whatever ends or rotates one locks its one row, and rows of several in the order of their ids: no two of these deadlock. */
@Injectable()
export class SessionsRepository {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Begins a session and ends the oldest beyond `max`; null: the user is not any more what they were when their password was checked.
   * Logins of one user at once go one after the other, or each would miss the others' rows.
   */
  async begin(tx: EntityManager, { userId, tokenVersion, lineageHash, tokenHash, lifetimeMs }: NewSession, max: number): Promise<string | null> {
    await tx.query(`SELECT pg_advisory_xact_lock($1, $2)`, [SESSIONS_LOCK, userId]);
    const begun: { id: string }[] = await tx.query(
      `INSERT INTO sessions (user_id, token_version, lineage_hash, token_hash, expires_at)
       SELECT id, token_version, $3, $4, now() + $5::float8 * interval '1 millisecond'
       FROM users WHERE id = $1 AND token_version = $2 AND status = 'active' FOR KEY SHARE
       RETURNING id`,
      [userId, tokenVersion, lineageHash, tokenHash, lifetimeMs],
    );
    await tx.query(
      `DELETE FROM sessions WHERE id IN (
         SELECT id FROM sessions WHERE user_id = $1 AND id <= (SELECT id FROM sessions WHERE user_id = $1 ORDER BY id DESC OFFSET $2 LIMIT 1)
         ORDER BY id FOR UPDATE)`,
      [userId, max],
    );
    return begun[0]?.id ?? null;
  }

  /**
   * Trades the session's token for its successor; null: it is not the session's, or the session or its user is not what they were.
   * One statement on one row: of two with the same token, or one and an end of the session, the later finds what the earlier left.
   */
  async rotate({ lineageHash, tokenHash, nextHash, lifetimeMs }: Rotation): Promise<RotatedSession | null> {
    const rows: RotatedSession[] = await this.dataSource.query(
      `WITH rotated AS (
         UPDATE sessions s SET token_hash = $3, last_used_at = now(), expires_at = now() + $4::float8 * interval '1 millisecond'
         FROM users u
         WHERE s.lineage_hash = $1 AND s.token_hash = $2 AND s.expires_at > now()
           AND u.id = s.user_id AND u.status = 'active' AND u.token_version = s.token_version
         RETURNING s.id, s.user_id AS "userId", s.token_version AS "tokenVersion")
       SELECT * FROM rotated`,
      [lineageHash, tokenHash, nextHash, lifetimeMs],
    );
    return rows[0] ?? null;
  }

  /** Ends the session; with `unlessToken` only where its token is another one: then an earlier one came back. */
  async end(lineageHash: Buffer, unlessToken: Buffer | null = null): Promise<void> {
    await this.dataSource.query(`DELETE FROM sessions WHERE lineage_hash = $1 AND token_hash IS DISTINCT FROM $2`, [lineageHash, unlessToken]);
  }

  async endAll(tx: EntityManager, userId: number): Promise<void> {
    await tx.query(`DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE user_id = $1 ORDER BY id FOR UPDATE)`, [userId]);
  }

  /** The family of a token that was issued while there was a row for each token. */
  async familyOf(tokenHash: Buffer): Promise<string | null> {
    const rows: { family: string }[] = await this.dataSource.query(`SELECT family FROM refresh_tokens WHERE token_hash = $1`, [tokenHash]);
    return rows[0]?.family ?? null;
  }

  /** Removes some of the rows whose time is over; 0: there are none left. Passes over those that somebody holds. */
  async removeExpired(): Promise<number> {
    let removed = 0;
    for (const table of ['sessions', 'refresh_tokens']) {
      const [, count] = await this.dataSource.query<[unknown, number]>(
        `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} WHERE expires_at <= now() LIMIT $1 FOR UPDATE SKIP LOCKED)`,
        [REMOVED_AT_ONCE],
      );
      removed += count;
    }
    return removed;
  }
}
