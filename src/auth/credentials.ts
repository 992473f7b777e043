import { Injectable } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { KEY_PREFIX } from '../api-keys/key-format';
import { type Access } from '../common/access.decorators';
import { isOutage } from '../common/database-errors';
import { includesRole, type Principal, SCOPES } from '../common/principal';
import { AdminRequired, CredentialsInvalid, CredentialsMissing, ScopeRequired } from '../http/access.errors';
import { SecondFactorSettings } from '../second-factors/second-factors.settings';
import { SettingsService } from '../settings/settings.service';
import { ForeignTokens } from '../foreign-tokens/foreign-tokens.service';
import { AccessTokens } from './access-tokens';
import { TotpEnrolmentRequired } from './auth.errors';
import { PrincipalsService } from './principals.service';

/** Ids of accounts begin at 1. It has no second factor that anybody could ask it for. */
const COMMAND_LINE: Principal = {
  userId: 0,
  role: 'admin',
  operator: 'admin',
  isAdmin: true,
  scopes: new Set(SCOPES),
  keyId: null,
  hasSecondFactor: true,
  sessionId: null,
  hasCap: false,
  emailVerified: true,
  endsAt: Infinity,
  isCommand: true,
};

/** Decides whether a credential may do what a route asks, now. */
@Injectable()
export class Credentials {
  /** The `Authorization` of a command that runs on its own database; null in a process that serves. */
  private ofCommand: string | null = null;

  constructor(
    private readonly tokens: AccessTokens,
    private readonly principals: PrincipalsService,
    private readonly settings: SettingsService,
    private readonly foreign: ForeignTokens,
  ) {}

  /**
   * Makes the `Authorization` by which a command calls the routes of its own application, as an administrator without an account.
   * Whoever can start one holds the database anyway; it is known to this process alone, and ends with it.
   */
  openForCommand(): string {
    return (this.ofCommand ??= `Bearer ${randomBytes(32).toString('base64url')}`);
  }

  /**
   * Without a promise where it can be answered from memory.
   * @param header the call's `Authorization`
   * @param enrols whether the route is one by which an administrator comes by a second factor
   * @throws CredentialsMissing, CredentialsInvalid, AdminRequired, ScopeRequired, TotpEnrolmentRequired
   */
  admit(header: string | undefined, access: Access, enrols = false): Principal | Promise<Principal> {
    const principal = this.authenticate(header, access.fromMemory === true);
    return principal instanceof Promise ? principal.then((known) => this.allowed(known, access, enrols)) : this.allowed(principal, access, enrols);
  }

  /** When a good credential ends by the clock, in this process's `performance.now()`; Infinity: it does not. */
  endsAt(header: string, principal: Principal): number {
    if (principal.keyId !== null) return principal.endsAt;
    const credential = bearerOf(header);
    // It was found good: only whose it is decides where its end stands.
    const expiresAt = this.tokens.verify(credential)?.expiresAt ?? this.foreign.expiryOf(credential);
    return performance.now() + expiresAt - Date.now();
  }

  private allowed(known: Principal | null, access: Access, enrols: boolean): Principal {
    const principal = allowed(known, access);
    if (principal.operator === null || principal.hasSecondFactor || enrols) return principal;
    if (this.settings.get(SecondFactorSettings.requireTotpForAdmins)) throw new TotpEnrolmentRequired();
    return principal;
  }

  private authenticate(header: string | undefined, fromMemory: boolean): Principal | null | Promise<Principal | null> {
    if (header === undefined) throw new CredentialsMissing();
    if (header === this.ofCommand) return COMMAND_LINE;
    const credential = bearerOf(header);
    if (credential.startsWith(KEY_PREFIX)) {
      const known = this.principals.byKey(credential);
      return fromMemory && known instanceof Promise ? known.catch((error: unknown) => this.remembered(credential, error)) : known;
    }
    if (this.foreign.isUsed) {
      const userId = this.foreign.userOf(credential);
      if (userId instanceof Promise) return userId.then((found) => this.holderOf(credential, found));
      if (userId !== null) return this.principals.byIdentity(userId);
    }
    return this.byOwnToken(credential);
  }

  private remembered(credential: string, failure: unknown): Principal {
    const principal = isOutage(failure) ? this.principals.remembered(credential, failure) : null;
    if (principal === null) throw failure;
    return principal;
  }

  private holderOf(credential: string, userId: number | null): Principal | null | Promise<Principal | null> {
    return userId === null ? this.byOwnToken(credential) : this.principals.byIdentity(userId);
  }

  private byOwnToken(credential: string): Principal | null | Promise<Principal | null> {
    const claims = this.tokens.verify(credential);
    return claims === null ? null : this.principals.byToken(claims);
  }
}

function bearerOf(header: string): string {
  const credential = /^bearer +([^ ]+)$/i.exec(header)?.[1];
  if (credential === undefined) throw new CredentialsInvalid();
  return credential;
}

function allowed(principal: Principal | null, access: Access): Principal {
  if (principal === null) throw new CredentialsInvalid();
  const { operator = 'admin' } = access;
  const acts = principal.operator !== null && includesRole(principal.operator, operator);
  const ofRole = includesRole(principal.role, operator);
  if (access.adminOnly && !acts) throw ofRole ? new ScopeRequired(['admin']) : new AdminRequired(operator);
  if (access.accountOwner && principal.keyId !== null && !acts) throw new ScopeRequired(ofRole ? ['admin'] : []);
  const missing = (access.scopes ?? []).filter((scope) => !principal.scopes.has(scope));
  if (missing.length > 0) throw new ScopeRequired(missing);
  return acts && !principal.isAdmin ? actingForOthers(principal) : principal;
}

const acting = new WeakMap<Principal, Principal>();

/** The same object for the same principal: who watches a credential sees by that whether anything changed. */
function actingForOthers(principal: Principal): Principal {
  let other = acting.get(principal);
  if (other === undefined) {
    other = { ...principal, isAdmin: true };
    acting.set(principal, other);
  }
  return other;
}
