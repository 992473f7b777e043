import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { type Access, type AuthenticatedRequest } from '../common/access.decorators';
import { type Principal } from '../common/principal';
import { Notifications } from '../database/notifications';
import { CredentialsInvalid } from '../http/access.errors';
import { Problem } from '../http/problem';
import { Credentials } from './credentials';
import { EVERYBODY, PrincipalsService } from './principals.service';

const SWEEP_MS = 250;
/** While the notifications come in, an answer from memory is right; this bounds what nobody thought of. */
const MAX_AGE_MS = 60_000;
const MAX_AGE_WITHOUT_NOTIFICATIONS_MS = 500;

/** What is held open under a credential. */
interface Holder {
  /** @param ended false: it may do something else than before */
  credentialChanged(ended: boolean): void;
}

/** A credential under which a call is held open. */
export class WatchedCredential {
  checkedAt = performance.now();
  endsAt: number;
  private refusal: Problem | null = null;

  /** @param principal whose it is, as it was found at the last look */
  constructor(
    private readonly credentials: Credentials,
    private readonly header: string,
    private readonly access: Access,
    private readonly holder: Holder,
    public principal: Principal,
  ) {
    this.endsAt = credentials.endsAt(header, principal);
  }

  /** Looks once more. @throws CredentialsInvalid, AdminRequired, ScopeRequired */
  async assertAllowed(): Promise<void> {
    await this.look();
    if (this.refusal) throw this.refusal;
  }

  async look(): Promise<void> {
    if (this.refusal) return;
    this.checkedAt = performance.now();
    try {
      if (this.checkedAt >= this.endsAt) throw new CredentialsInvalid();
      const admitted = this.credentials.admit(this.header, this.access);
      const principal = admitted instanceof Promise ? await admitted : admitted;
      if (principal.userId !== this.principal.userId) throw new CredentialsInvalid();
      if (principal === this.principal) return;
      this.principal = principal;
      this.endsAt = this.credentials.endsAt(this.header, principal);
      this.holder.credentialChanged(false);
    } catch (error) {
      // A database that is not there ends nothing, and hands out nothing either: the next look decides.
      if (!(error instanceof Problem) || error.getStatus() >= 500) return;
      this.refusal = error;
      this.holder.credentialChanged(true);
    }
  }
}

/**
 * Ends calls that are held open when their credential ends: revoked, expired, rotated away or deleted; its user suspended,
 * demoted or deleted; its session over. Always true: it ends within a second, whoever made the change, by the same
 * notifications that empty the cache of principals; while those fail every credential is looked up again twice a second.
 */
@Injectable()
export class CredentialWatch implements OnModuleInit, OnModuleDestroy {
  private readonly watched = new Map<number, Set<WatchedCredential>>();
  private timer: NodeJS.Timeout;

  constructor(
    private readonly credentials: Credentials,
    private readonly principals: PrincipalsService,
    private readonly notifications: Notifications,
  ) {}

  onModuleInit(): void {
    this.principals.onForget((user) => this.lookAt(user));
    this.timer = setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  watch({ headers, access, principal }: AuthenticatedRequest, holder: Holder): WatchedCredential {
    const one = new WatchedCredential(this.credentials, headers.authorization as string, access, holder, principal);
    const ofUser = this.watched.get(principal.userId) ?? new Set();
    this.watched.set(principal.userId, ofUser.add(one));
    // What changed between the guard's look and this watch.
    void one.look();
    return one;
  }

  unwatch(one: WatchedCredential): void {
    const ofUser = this.watched.get(one.principal.userId);
    ofUser?.delete(one);
    if (ofUser?.size === 0) this.watched.delete(one.principal.userId);
  }

  private lookAt(user: number | typeof EVERYBODY): void {
    const found = user === EVERYBODY ? [...this.watched.values()] : [this.watched.get(user) ?? []];
    for (const ofUser of found) for (const one of ofUser) void one.look();
  }

  private sweep(): void {
    const now = performance.now();
    const maxAge = this.notifications.healthy ? MAX_AGE_MS : MAX_AGE_WITHOUT_NOTIFICATIONS_MS;
    for (const ofUser of this.watched.values()) {
      for (const one of ofUser) if (now >= one.endsAt || now - one.checkedAt >= maxAge) void one.look();
    }
  }
}
