import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { BoundedCache } from '../common/bounded-cache';
import { ApiKeysService } from '../api-keys/api-keys.service';
import { hashKey, isKey } from '../api-keys/key-format';
import { type OperatorRole, type Principal, type Role, type Scope, SCOPES, USER_SCOPES } from '../common/principal';
import { Notifications } from '../database/notifications';
import { SharedReads } from '../database/shared-reads';
import { type AccessClaims } from './access-tokens';
import { type KeyHolder, PrincipalsRepository, type SessionHolder } from './principals.repository';

const MAX_CACHED = 50_000;
const MAX_READ_TOGETHER = 1_000;
/** While the notifications come in, an entry is dropped when its user or key changes; this bounds what nobody thought of. */
const FRESH_MS = 600_000;
/** While they do not, nothing older than this is believed. */
const FRESH_WITHOUT_NOTIFICATIONS_MS = 1_000;
const TOUCH_EVERY_MS = 30_000;
/** What is still remembered of a key while the database is away, since it was read. */
const REMEMBERED_MS = 2 * FRESH_MS;
/** As the triggers name it: the table was emptied. */
export const EVERYBODY = '*';

type ForgetHandler = (user: number | typeof EVERYBODY) => void;

interface Entry {
  principal: Principal;
  /** For sessions: the version that a token must carry. */
  tokenVersion: number;
  readAt: number;
}

/**
 * Who a credential belongs to, from memory where it can be. Always true: a key that was revoked, or whose user was
 * suspended, demoted or deleted, by us or by plain SQL, stops within a second on every replica, because triggers notify
 * of each such change and an answer that was under way meanwhile is not kept.
 */
@Injectable()
export class PrincipalsService implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger(PrincipalsService.name);
  private readonly cache = new BoundedCache<string, Entry>(MAX_CACHED, {
    disposeAfter: ({ principal }, name) => this.dropName(principal.userId, name),
  });
  private readonly vouched = new WeakMap<Principal, Principal>();
  private readonly namesOfUser = new Map<number, Set<string>>();
  private readonly used = new Set<number>();
  private readonly keyReads = new SharedReads<string, KeyHolder>((keys) => this.readKeys(keys), MAX_READ_TOGETHER);
  private readonly sessionReads = new SharedReads<string, SessionHolder>((names) => this.readSessions(names), MAX_READ_TOGETHER);
  private readonly forgetHandlers: ForgetHandler[] = [];
  private changes = 0;
  private timer: NodeJS.Timeout;

  constructor(
    private readonly repository: PrincipalsRepository,
    private readonly keys: ApiKeysService,
    private readonly notifications: Notifications,
  ) {}

  async onModuleInit(): Promise<void> {
    this.notifications.onGap(() => this.forget(EVERYBODY));
    await this.notifications.on('principals', (user) => this.forget(user === EVERYBODY ? EVERYBODY : Number(user)));
    this.timer = setInterval(() => void this.flushUsed(), TOUCH_EVERY_MS).unref();
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await this.flushUsed();
  }

  /** Calls the handler when what is known of a user is out of date, after it was forgotten. */
  onForget(handler: ForgetHandler): void {
    this.forgetHandlers.push(handler);
  }

  /** Answers without a promise when it can: most requests come with a key that was seen a moment ago. */
  byKey(key: string): Principal | null | Promise<Principal | null> {
    const entry = this.fresh(key);
    if (entry === null) return isKey(key) ? this.readKey(key) : null;
    this.used.add(entry.principal.keyId as number);
    return entry.principal;
  }

  /**
   * Of a key that could not be proven, because the database does not answer: whom it belonged to when it was proven here the last time,
   * unless it has expired since, or that is too long ago. Null: not known. Nothing is kept that was out of date at the last notification.
   */
  remembered(key: string, failure: unknown): Principal | null {
    const entry = this.cache.get(key);
    const now = performance.now();
    if (entry === undefined || now - entry.readAt >= REMEMBERED_MS || now >= entry.principal.endsAt) return null;
    return { ...entry.principal, unproven: failure };
  }

  byToken({ userId, version, sessionId }: Omit<AccessClaims, 'expiresAt'>): Principal | null | Promise<Principal | null> {
    const name = `${userId} ${sessionId ?? ''}`;
    const entry = this.fresh(name);
    if (entry === null) return this.readSession(name).then((read) => (read?.tokenVersion === version ? read.principal : null));
    return entry.tokenVersion === version ? entry.principal : null;
  }

  /** Of a user whom an identity provider vouches for: what a user's session may do, whatever their role. */
  byIdentity(userId: number): Principal | null | Promise<Principal | null> {
    const name = `${userId} `;
    const entry = this.fresh(name);
    if (entry === null) return this.readSession(name).then((read) => (read === null ? null : this.vouchedFor(read.principal)));
    return this.vouchedFor(entry.principal);
  }

  /** The same object for the same principal: who watches a credential sees by that whether anything changed. */
  private vouchedFor(principal: Principal): Principal {
    let vouched = this.vouched.get(principal);
    if (vouched === undefined) {
      vouched = { ...principal, operator: null, isAdmin: false, scopes: new Set<Scope>(USER_SCOPES), sessionId: null, emailVerified: true };
      this.vouched.set(principal, vouched);
    }
    return vouched;
  }

  private fresh(name: string): Entry | null {
    const entry = this.cache.get(name);
    if (entry === undefined) return null;
    const now = performance.now();
    const allowedAge = this.notifications.healthy ? FRESH_MS : FRESH_WITHOUT_NOTIFICATIONS_MS;
    return now - entry.readAt < allowedAge && now < entry.principal.endsAt ? entry : null;
  }

  private async readKey(key: string): Promise<Principal | null> {
    const [before, readAt] = [this.changes, performance.now()];
    const holder = await this.keyReads.get(key);
    if (holder === undefined) return null;
    const principal = keyPrincipal(holder, readAt);
    this.used.add(holder.keyId);
    this.keep(key, { principal, tokenVersion: 0, readAt }, before);
    return principal;
  }

  private async readSession(name: string): Promise<Entry | null> {
    const [before, readAt] = [this.changes, performance.now()];
    const holder = await this.sessionReads.get(name);
    if (holder === undefined) return null;
    const entry = { principal: sessionPrincipal(holder, name.split(' ')[1] || null), tokenVersion: holder.tokenVersion, readAt };
    this.keep(name, entry, before);
    return entry;
  }

  private async readKeys(keys: string[]): Promise<Map<string, KeyHolder>> {
    const keyOf = new Map(keys.map((key) => [hashKey(key).toString('hex'), key]));
    const holders = await this.repository.byKeyHashes([...keyOf.keys()].map((hex) => Buffer.from(hex, 'hex')));
    return new Map(holders.map((holder) => [keyOf.get(holder.keyHash.toString('hex')) as string, holder]));
  }

  private async readSessions(names: string[]): Promise<Map<string, SessionHolder>> {
    const sessions = names.map((name) => {
      const [userId, sessionId] = name.split(' ');
      return { name, userId: Number(userId), sessionId: sessionId || null };
    });
    return new Map((await this.repository.bySessions(sessions)).map((holder) => [holder.name, holder]));
  }

  private keep(name: string, entry: Entry, changesBefore: number): void {
    if (this.changes !== changesBefore) return;
    this.cache.set(name, entry);
    const { userId } = entry.principal;
    const names = this.namesOfUser.get(userId) ?? new Set();
    this.namesOfUser.set(userId, names.add(name));
  }

  private dropName(userId: number, name: string): void {
    const names = this.namesOfUser.get(userId);
    names?.delete(name);
    if (names?.size === 0) this.namesOfUser.delete(userId);
  }

  private forget(user: number | typeof EVERYBODY): void {
    this.changes++;
    if (user === EVERYBODY) this.cache.clear();
    else for (const name of [...(this.namesOfUser.get(user) ?? [])]) this.cache.delete(name);
    for (const handler of this.forgetHandlers) handler(user);
  }

  /** Notes in the database which keys were used since the last time; runs by itself twice a minute. */
  async flushUsed(): Promise<void> {
    if (this.used.size === 0) return;
    const ids = [...this.used];
    this.used.clear();
    await this.keys.touch(ids).catch((error: Error) => this.logger.debug(`last use of keys not noted: ${error.message}`));
  }
}

function keyPrincipal({ keyId, userId, role, hasCap, hasSecondFactor, emailVerified, scopes: granted, expiresInMs }: KeyHolder, readAt: number): Principal {
  const operator = granted.includes('admin') ? operatorRole(role) : null;
  const isAdmin = operator === 'admin';
  const scopes = new Set<Scope>(isAdmin ? SCOPES : granted);
  return {
    userId,
    role,
    operator,
    isAdmin,
    scopes,
    keyId,
    sessionId: null,
    hasCap,
    hasSecondFactor,
    emailVerified,
    endsAt: readAt + (expiresInMs ?? Infinity),
  };
}

function sessionPrincipal({ userId, role, hasSecondFactor, emailVerified }: SessionHolder, sessionId: string | null): Principal {
  const isAdmin = role === 'admin';
  return {
    userId,
    role,
    operator: operatorRole(role),
    isAdmin,
    scopes: new Set<Scope>(isAdmin ? SCOPES : USER_SCOPES),
    keyId: null,
    sessionId,
    hasCap: false,
    hasSecondFactor,
    emailVerified,
    endsAt: Infinity,
  };
}

function operatorRole(role: Role): OperatorRole | null {
  return role === 'user' ? null : role;
}
