import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { ApiKeysService } from '../api-keys/api-keys.service';
import { hashKey, isKey } from '../api-keys/key-format';
import { type Principal, type Scope, SCOPES, USER_SCOPES } from '../common/principal';
import { Notifications } from '../database/notifications';
import { type AccessClaims } from './access-tokens';
import { type KeyHolder, PrincipalsRepository } from './principals.repository';

const MOST_CACHED = 50_000;
/** While the notifications come in, an entry is dropped when its user or key changes; this bounds what nobody thought of. */
const FRESH_MS = 600_000;
/** While they do not, nothing older than this is believed. */
const FRESH_WITHOUT_NOTIFICATIONS_MS = 1_000;
const TOUCH_EVERY_MS = 30_000;

interface Lookup {
  found: Promise<Principal | null>;
  resolve: (principal: Principal | null) => void;
  reject: (error: unknown) => void;
}

interface Entry {
  principal: Principal;
  /** For sessions: the version that a token must carry. */
  tokenVersion: number;
  readAt: number;
  endsAt: number;
}

/**
 * Who a credential belongs to, from memory where it can be. Always true: a key that was revoked, or whose user was
 * suspended, demoted or deleted, by us or by plain SQL, stops within a second on every replica, because triggers notify
 * of each such change and an answer that was under way meanwhile is not kept.
 */
@Injectable()
export class PrincipalsService implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger(PrincipalsService.name);
  private readonly cache = new LRUCache<string, Entry>({
    max: MOST_CACHED,
    disposeAfter: ({ principal }, name) => this.entriesOfUser.get(principal.userId)?.delete(name),
  });
  private readonly entriesOfUser = new Map<number, Set<string>>();
  private readonly used = new Set<number>();
  private readonly lookups = new Map<string, Lookup>();
  private changes = 0;
  private timer: NodeJS.Timeout;

  constructor(
    private readonly repository: PrincipalsRepository,
    private readonly keys: ApiKeysService,
    private readonly notifications: Notifications,
  ) {}

  async onModuleInit(): Promise<void> {
    this.notifications.onGap(() => this.forget('*'));
    await this.notifications.on('principals', (userId) => this.forget(userId));
    this.timer = setInterval(() => void this.flushUsed(), TOUCH_EVERY_MS).unref();
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await this.flushUsed();
  }

  /** Answers without a promise when it can: most requests come with a key that was seen a moment ago. */
  byKey(key: string): Principal | null | Promise<Principal | null> {
    const entry = this.fresh(key);
    if (entry === null) return isKey(key) ? this.readKey(key) : null;
    this.used.add(entry.principal.keyId as number);
    return entry.principal;
  }

  byToken({ userId, version }: AccessClaims): Principal | null | Promise<Principal | null> {
    const name = `user ${userId}`;
    const entry = this.fresh(name);
    if (entry === null) return this.readUser(name, userId).then((read) => (read?.tokenVersion === version ? read.principal : null));
    return entry.tokenVersion === version ? entry.principal : null;
  }

  private fresh(name: string): Entry | null {
    const entry = this.cache.get(name);
    if (entry === undefined) return null;
    const now = performance.now();
    const allowedAge = this.notifications.healthy ? FRESH_MS : FRESH_WITHOUT_NOTIFICATIONS_MS;
    return now - entry.readAt < allowedAge && now < entry.endsAt ? entry : null;
  }

  /** Keys that are not known are looked up together, those of one turn of the event loop in one query. */
  private readKey(key: string): Promise<Principal | null> {
    const already = this.lookups.get(key);
    if (already) return already.found;
    if (this.lookups.size === 0) setImmediate(() => void this.lookUp());
    const lookup = deferred<Principal | null>();
    this.lookups.set(key, lookup);
    return lookup.found;
  }

  private async lookUp(): Promise<void> {
    const lookups = new Map([...this.lookups].map(([key, lookup]) => [hashKey(key).toString('hex'), { key, ...lookup }]));
    this.lookups.clear();
    const [before, readAt] = [this.changes, performance.now()];
    try {
      const holders = await this.repository.byKeyHashes([...lookups.keys()].map((hex) => Buffer.from(hex, 'hex')));
      for (const holder of holders) {
        const { key, resolve } = lookups.get(holder.keyHash.toString('hex')) as Lookup & { key: string };
        const principal = principalOf(holder);
        this.used.add(holder.keyId);
        this.keep(key, { principal, tokenVersion: 0, readAt, endsAt: readAt + (holder.expiresInMs ?? Infinity) }, before);
        resolve(principal);
      }
      for (const { resolve } of lookups.values()) resolve(null);
    } catch (error) {
      for (const { reject } of lookups.values()) reject(error);
    }
  }

  private async readUser(name: string, userId: number): Promise<Entry | null> {
    const [before, readAt] = [this.changes, performance.now()];
    const holder = await this.repository.byUserId(userId);
    if (holder === null) return null;
    const isAdmin = holder.role === 'admin';
    const scopes = new Set<Scope>(isAdmin ? SCOPES : USER_SCOPES);
    const principal = { userId, role: holder.role, isAdmin, scopes, keyId: null, hasCap: false };
    const entry = { principal, tokenVersion: holder.tokenVersion, readAt, endsAt: Infinity };
    this.keep(name, entry, before);
    return entry;
  }

  private keep(name: string, entry: Entry, changesBefore: number): void {
    if (this.changes !== changesBefore) return;
    this.cache.set(name, entry);
    const { userId } = entry.principal;
    const names = this.entriesOfUser.get(userId) ?? new Set();
    this.entriesOfUser.set(userId, names.add(name));
  }

  private forget(userId: string): void {
    this.changes++;
    if (userId === '*') {
      this.cache.clear();
      this.entriesOfUser.clear();
      return;
    }
    for (const name of this.entriesOfUser.get(Number(userId)) ?? []) this.cache.delete(name);
    this.entriesOfUser.delete(Number(userId));
  }

  /** Notes in the database which keys were used since the last time; runs by itself twice a minute. */
  async flushUsed(): Promise<void> {
    if (this.used.size === 0) return;
    const ids = [...this.used];
    this.used.clear();
    await this.keys.touch(ids).catch((error: Error) => this.logger.debug(`last use of keys not noted: ${error.message}`));
  }
}

function principalOf({ keyId, userId, role, hasCap, scopes: granted }: KeyHolder): Principal {
  const isAdmin = role === 'admin' && granted.includes('admin');
  return { userId, role, isAdmin, scopes: new Set<Scope>(isAdmin ? SCOPES : granted), keyId, hasCap };
}

function deferred<T>(): { found: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  let [resolve, reject] = [(_: T) => {}, (_: unknown) => {}];
  const found = new Promise<T>((ok, no) => ([resolve, reject] = [ok, no]));
  return { found, resolve, reject };
}
