import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { type ClientDevice } from '../common/client-device';

/** The first four bytes of sha256('quotidian sessions'). */
const SESSIONS_LOCK = -633_305_476;
const REMOVED_AT_ONCE = 1_000;
/** Devices of one user that are remembered: those that were seen last. */
const DEVICES_MAX = 100;

export interface NewSession {
  userId: number;
  tokenVersion: number;
  lineageHash: Buffer;
  tokenHash: Buffer;
  lifetimeMs: number;
  device: ClientDevice;
}

export interface Rotation {
  lineageHash: Buffer;
  /** The token that is shown. */
  tokenHash: Buffer;
  /** Its successor. */
  nextHash: Buffer;
  lifetimeMs: number;
  /** For how long the token may come once more after it was traded for the same successor; 0: it works once. */
  graceMs: number;
  device: ClientDevice;
}

export interface RotatedSession {
  id: string;
  userId: number;
  tokenVersion: number;
}

export interface ListedSession extends ClientDevice {
  id: string;
  createdAt: Date;
  lastUsedAt: Date;
}

/** Sessions. Whatever ends or rotates one locks its one row, and rows of several in the order of their ids: no two of these deadlock. */
@Injectable()
export class SessionsRepository {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Begins a session and ends the oldest beyond `max`; null: the user is not any more what they were when their password was checked.
   * Logins of one user at once go one after the other, or each would miss the others' rows.
   */
  async begin(tx: EntityManager, { userId, tokenVersion, lineageHash, tokenHash, lifetimeMs, device }: NewSession, max: number): Promise<string | null> {
    await tx.query(`SELECT pg_advisory_xact_lock($1, $2)`, [SESSIONS_LOCK, userId]);
    const begun: { id: string }[] = await tx.query(
      `INSERT INTO sessions (user_id, token_version, lineage_hash, token_hash, expires_at, address, user_agent)
       SELECT id, token_version, $3, $4, now() + $5::float8 * interval '1 millisecond', $6, $7
       FROM users WHERE id = $1 AND token_version = $2 AND status = 'active' FOR KEY SHARE
       RETURNING id`,
      [userId, tokenVersion, lineageHash, tokenHash, lifetimeMs, device.address, device.userAgent],
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
  async rotate({ lineageHash, tokenHash, nextHash, lifetimeMs, graceMs, device }: Rotation): Promise<RotatedSession | null> {
    const rows: RotatedSession[] = await this.dataSource.query(
      `WITH rotated AS (
         UPDATE sessions s SET token_hash = $3, last_used_at = CASE WHEN s.token_hash = $2 THEN now() ELSE s.last_used_at END,
           expires_at = now() + $4::float8 * interval '1 millisecond', address = $5, user_agent = $6
         FROM users u
         WHERE s.lineage_hash = $1 AND s.expires_at > now()
           AND (s.token_hash = $2 OR (s.token_hash = $3 AND s.last_used_at > now() - $7::float8 * interval '1 millisecond'))
           AND u.id = s.user_id AND u.status = 'active' AND u.token_version = s.token_version
         RETURNING s.id, s.user_id AS "userId", s.token_version AS "tokenVersion")
       SELECT * FROM rotated`,
      [lineageHash, tokenHash, nextHash, lifetimeMs, device.address, device.userAgent, graceMs],
    );
    return rows[0] ?? null;
  }

  /** Ends the session; with `unlessToken` only where its token is another one: then an earlier one came back. */
  async end(lineageHash: Buffer, unlessToken: Buffer | null = null): Promise<void> {
    await this.dataSource.query(`DELETE FROM sessions WHERE lineage_hash = $1 AND token_hash IS DISTINCT FROM $2`, [lineageHash, unlessToken]);
  }

  /** @param kept the session that goes on; null: none does */
  async endAll(tx: EntityManager, userId: number, kept: string | null = null): Promise<void> {
    await tx.query(`DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE user_id = $1 AND id IS DISTINCT FROM $2::bigint ORDER BY id FOR UPDATE)`, [
      userId,
      kept,
    ]);
  }

  /** Ends the session if it is the user's and goes on; false: it is not, or does not. */
  async endOne(tx: EntityManager, userId: number, id: string): Promise<boolean> {
    const [, count] = await tx.query<[unknown, number]>(
      `DELETE FROM sessions s USING users u WHERE s.id = $2 AND s.user_id = $1 AND s.expires_at > now() AND u.id = s.user_id AND u.status <> 'deleted'`,
      [userId, id],
    );
    return count === 1;
  }

  /** Sessions that go on, newest first, after the position. */
  async list(userId: number, before: string | null, count: number): Promise<ListedSession[]> {
    return this.dataSource.query(
      `SELECT s.id, s.created_at AS "createdAt", s.last_used_at AS "lastUsedAt", s.address, s.user_agent AS "userAgent"
       FROM sessions s JOIN users u ON u.id = s.user_id AND u.token_version = s.token_version
       WHERE s.user_id = $1 AND s.expires_at > now() AND ($2::bigint IS NULL OR s.id < $2) ORDER BY s.id DESC LIMIT $3`,
      [userId, before, count],
    );
  }

  /** Whether the session goes on, and began within so many seconds. */
  async isFresh(userId: number, id: string, seconds: number): Promise<boolean> {
    const rows: unknown[] = await this.dataSource.query(
      `SELECT FROM sessions WHERE id = $2 AND user_id = $1 AND expires_at > now() AND created_at > now() - $3::float8 * interval '1 second'`,
      [userId, id, seconds],
    );
    return rows.length > 0;
  }

  /** Where mail about the user's sessions goes, and the time that it is. */
  async ownerOf(tx: EntityManager, userId: number): Promise<{ email: string; now: Date }> {
    const [owner] = await tx.query<[{ email: string; now: Date }]>(`SELECT email, now() AS now FROM users WHERE id = $1`, [userId]);
    return owner;
  }

  /** Notes that the user signed in from the device; true: they are known to have signed in from others, and from this one for the first time. */
  async noteDevice(tx: EntityManager, userId: number, hash: Buffer): Promise<boolean> {
    const [{ isNew, known }] = await tx.query<[{ isNew: boolean; known: number }]>(
      `WITH before AS (SELECT count(*)::integer AS known FROM known_devices WHERE user_id = $1), seen AS (
         INSERT INTO known_devices (user_id, device_hash) VALUES ($1, $2)
         ON CONFLICT (user_id, device_hash) DO UPDATE SET last_seen_at = now() RETURNING xmax = 0 AS inserted)
       SELECT inserted AS "isNew", known FROM seen, before`,
      [userId, hash],
    );
    if (isNew && known >= DEVICES_MAX) {
      await tx.query(
        `DELETE FROM known_devices WHERE user_id = $1 AND device_hash IN (
           SELECT device_hash FROM known_devices WHERE user_id = $1 ORDER BY last_seen_at DESC, device_hash OFFSET ${DEVICES_MAX})`,
        [userId],
      );
    }
    return isNew && known > 0;
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
