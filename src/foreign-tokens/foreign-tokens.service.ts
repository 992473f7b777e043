import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose';
import { BoundedCache } from '../common/bounded-cache';
import { SettingsService } from '../settings/settings.service';
import { IdentitiesService } from './identities.service';
import { IssuerKeys } from './issuer-keys';
import { type TrustedIssuer, TrustedIssuerSettings } from './trusted-issuers.settings';

/** Signatures by a key pair, and no others: whoever may check a token must not be able to make one. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];
const LEEWAY_SECONDS = 60;
const MAX_TOKEN_CHARACTERS = 16_384;
const MAX_SUBJECT_CHARACTERS = 255;
/** Tokens that were checked, for how long at the most: what is known of their users is fresh by other means. */
const MAX_KNOWN = 20_000;
const KNOWN_MS = 60_000;

interface Known {
  userId: number;
  /** In this process's `performance.now()`. */
  until: number;
}

/**
 * JWTs of identity providers that an administrator trusts. Always true: a signature by a key of the issuer, its exact issuer and audience
 * and an expiry are asked for; a token that was checked is known for a minute, or until it expires.
 */
@Injectable()
export class ForeignTokens implements OnModuleInit {
  private readonly logger = new Logger(ForeignTokens.name);
  private readonly known = new BoundedCache<string, Known>(MAX_KNOWN);
  private readonly keys = new Map<string, IssuerKeys>();
  private settled = '[]';

  constructor(
    private readonly settings: SettingsService,
    private readonly identities: IdentitiesService,
  ) {}

  onModuleInit(): void {
    this.settings.onChange(() => this.follow());
    this.follow();
  }

  /** Whether anybody is trusted at all: nothing else is asked of a token while nobody is. */
  get isUsed(): boolean {
    return this.settled !== '[]';
  }

  /** The user of a token; null: it is none of a trusted issuer, or not good. @throws UnavailableProblem */
  userOf(token: string): number | null | Promise<number | null> {
    const digest = createHash('sha256').update(token).digest('base64');
    const known = this.known.get(digest);
    if (known !== undefined && known.until > performance.now()) return known.userId;
    const claims = claimsOf(token);
    const trusted = claims && this.settings.get(TrustedIssuerSettings.trustedIssuers).find((one) => one.issuer === claims.iss && isFor(claims, one));
    return trusted ? this.check(token, digest, trusted) : null;
  }

  /** When a token that was found good expires, in milliseconds since 1970. */
  expiryOf(token: string): number {
    return ((claimsOf(token)?.exp ?? 0) + LEEWAY_SECONDS) * 1_000;
  }

  private async check(token: string, digest: string, trusted: TrustedIssuer): Promise<number | null> {
    const settled = this.settled;
    const claims = await this.verified(token, trusted);
    const subject = claims === null ? null : textOf(claims[trusted.userClaim]);
    if (claims === null || subject === null) return null;
    const tier = trusted.tierClaim === undefined ? null : textOf(claims[trusted.tierClaim]);
    const userId = await this.identities.userOf({ issuer: trusted.issuer, subject, tier }, trusted.createUsers);
    if (userId === null) return null;
    const leftMs = ((claims.exp as number) + LEEWAY_SECONDS) * 1_000 - Date.now();
    // Not where the setting changed meanwhile.
    if (settled === this.settled) this.known.set(digest, { userId, until: performance.now() + Math.min(leftMs, KNOWN_MS) });
    return userId;
  }

  private async verified(token: string, { issuer, audience, jwksUri }: TrustedIssuer): Promise<JWTPayload | null> {
    try {
      const options = { issuer, audience, algorithms: ALGORITHMS, clockTolerance: LEEWAY_SECONDS, requiredClaims: ['exp'] };
      return (await jwtVerify(token, this.keysOf(issuer, jwksUri).key, options)).payload;
    } catch (error) {
      if (!(error instanceof errors.JOSEError) && !(error instanceof TypeError)) throw error;
      this.logger.debug(`a token of ${issuer} was refused: ${error.message}`);
      return null;
    }
  }

  private keysOf(issuer: string, jwksUri: string | undefined): IssuerKeys {
    const name = JSON.stringify([issuer, jwksUri]);
    let keys = this.keys.get(name);
    if (keys === undefined) {
      keys = new IssuerKeys(
        { issuer, jwksUri },
        () => this.settings.get(TrustedIssuerSettings.allowHttp),
        (message) => this.logger.warn(message),
      );
      this.keys.set(name, keys);
    }
    return keys;
  }

  /** What was checked under another setting is not known any more. */
  private follow(): void {
    const next = JSON.stringify(this.settings.get(TrustedIssuerSettings.trustedIssuers));
    if (next === this.settled) return;
    this.settled = next;
    this.known.clear();
    this.keys.clear();
  }
}

/** Unchecked: they decide only whose keys are asked. */
function claimsOf(token: string): JWTPayload | null {
  if (token.length > MAX_TOKEN_CHARACTERS) return null;
  try {
    return decodeJwt(token);
  } catch {
    return null;
  }
}

function isFor({ aud }: JWTPayload, { audience }: TrustedIssuer): boolean {
  return aud === audience || (Array.isArray(aud) && aud.includes(audience));
}

/** A claim that can name something, as the database keeps it. */
function textOf(claim: unknown): string | null {
  const text = typeof claim === 'number' ? String(claim) : claim;
  if (typeof text !== 'string' || text === '' || text.length > MAX_SUBJECT_CHARACTERS) return null;
  return text.isWellFormed() && !text.includes('\0') ? text : null;
}
