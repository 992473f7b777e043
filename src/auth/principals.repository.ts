import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { HAS_SECOND_FACTOR } from '../second-factors/second-factors.sql';
import { EMAIL_IS_PROVEN } from '../proofs/proofs.sql';
import { type Role, type Scope } from '../common/principal';

export interface KeyHolder {
  keyHash: Buffer;
  keyId: number;
  userId: number;
  role: Role;
  scopes: Scope[];
  hasCap: boolean;
  hasSecondFactor: boolean;
  emailVerified: boolean;
  /** Milliseconds until the key expires; null: it does not. */
  expiresInMs: number | null;
}

export interface NamedSession {
  name: string;
  userId: number;
  sessionId: string | null;
}

export interface SessionHolder {
  name: string;
  userId: number;
  role: Role;
  hasSecondFactor: boolean;
  emailVerified: boolean;
  tokenVersion: number;
}

@Injectable()
export class PrincipalsRepository {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Who holds which of these keys, of those that work at this moment: not revoked, not expired, their user active. A secret from before a rotation ends with its overlap.
   * Nobody could ask a service account for a second factor, or prove its address: it counts as having both.
   */
  async byKeyHashes(keyHashes: Buffer[]): Promise<KeyHolder[]> {
    return this.dataSource.query(
      `SELECT h.key_hash AS "keyHash", k.id AS "keyId", k.user_id AS "userId", u.role, k.scopes, k.daily_cap IS NOT NULL AS "hasCap", ${HAS_SECOND_FACTOR} OR s.user_id IS NOT NULL AS "hasSecondFactor", ${EMAIL_IS_PROVEN} OR s.user_id IS NOT NULL AS "emailVerified",
         (extract(epoch FROM h.ends_at) - extract(epoch FROM now()))::float8 * 1000 AS "expiresInMs"
       FROM (
         SELECT key_hash, id, expires_at AS ends_at FROM api_keys WHERE key_hash = ANY ($1)
         UNION ALL SELECT p.key_hash, p.api_key_id, least(p.expires_at, o.expires_at)
         FROM api_key_overlaps p JOIN api_keys o ON o.id = p.api_key_id WHERE p.key_hash = ANY ($1)
       ) h JOIN api_keys k ON k.id = h.id JOIN users u ON u.id = k.user_id LEFT JOIN service_accounts s ON s.user_id = u.id
       WHERE k.revoked_at IS NULL AND (h.ends_at IS NULL OR h.ends_at > now()) AND u.status = 'active'`,
      [keyHashes],
    );
  }

  /** Who holds which of these sessions, of those that go on and whose user is active; an id of null is any session of the user's. */
  async bySessions(sessions: readonly NamedSession[]): Promise<SessionHolder[]> {
    return this.dataSource.query(
      `SELECT n.name, u.id AS "userId", u.role, ${HAS_SECOND_FACTOR} AS "hasSecondFactor", ${EMAIL_IS_PROVEN} AS "emailVerified", u.token_version AS "tokenVersion"
       FROM json_to_recordset($1) AS n(name text, "userId" integer, "sessionId" bigint) JOIN users u ON u.id = n."userId"
       WHERE u.status = 'active' AND (n."sessionId" IS NULL
         OR EXISTS (SELECT FROM sessions s WHERE s.id = n."sessionId" AND s.user_id = u.id AND s.expires_at > now()))`,
      [JSON.stringify(sessions)],
    );
  }
}
