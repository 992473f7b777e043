import { Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { createSecretKey } from 'node:crypto';
import { MAX_INTEGER } from '../common/limits';
import { Secrets } from '../config/secrets';

export const ACCESS_TOKEN_SECONDS = 900;
const AUDIENCE = 'quotidian';
const TYPE = 'at+jwt';

export interface AccessClaims {
  userId: number;
  /** The user's `token_version` when it was issued. */
  version: number;
  /** Its session; null in tokens of a release that did not name it. */
  sessionId: string | null;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

/** Access tokens: JWTs after RFC 9068, signed with HS256. Names the user; whether they still may is asked for each request. */
@Injectable()
export class AccessTokens {
  private readonly jwt: JwtService;

  constructor(secrets: Secrets) {
    // Given bytes, jsonwebtoken would try to read them as a public key first, each time, which takes ten times as long as the rest.
    const key = createSecretKey(secrets.jwt);
    this.jwt = new JwtService({ secretOrKeyProvider: () => key });
  }

  issue({ userId, version, sessionId }: Omit<AccessClaims, 'expiresAt'>): string {
    return this.jwt.sign(
      { ver: version, sid: sessionId },
      {
        algorithm: 'HS256',
        header: { alg: 'HS256', typ: TYPE },
        subject: String(userId),
        issuer: AUDIENCE,
        audience: AUDIENCE,
        expiresIn: ACCESS_TOKEN_SECONDS,
      },
    );
  }

  /** The claims of a token that we issued and that has not expired; null for any other. */
  verify(token: string): AccessClaims | null {
    try {
      // Every one of these is needed: by default another HMAC, another audience or no expiry would pass.
      const { header, payload } = this.jwt.verify<{ header: { typ?: string; crit?: unknown }; payload: Record<string, unknown> }>(token, {
        algorithms: ['HS256'],
        issuer: AUDIENCE,
        audience: AUDIENCE,
        maxAge: ACCESS_TOKEN_SECONDS,
        clockTolerance: 5,
        complete: true,
      });
      const userId = Number(payload.sub);
      const { ver: version, exp, sid = null } = payload;
      const ours = header.typ === TYPE && header.crit === undefined && isId(userId) && (sid === null || isSessionId(sid));
      return ours && typeof exp === 'number' && typeof version === 'number'
        ? { userId, version, sessionId: sid as string | null, expiresAt: exp * 1_000 }
        : null;
    } catch {
      return null;
    }
  }
}

/** As the database writes a bigint. */
function isSessionId(value: unknown): boolean {
  return typeof value === 'string' && /^[1-9]\d{0,17}$/.test(value);
}

function isId(value: number): boolean {
  return Number.isInteger(value) && value > 0 && value <= MAX_INTEGER;
}
