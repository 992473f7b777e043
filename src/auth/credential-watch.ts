import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { type Access, type AuthenticatedRequest } from '../common/access.decorators';
import { type Principal } from '../common/principal';
import { Problem } from '../common/problem';
import { Notifications } from '../database/notifications';
import { CredentialsInvalid } from './auth.errors';
import { Credentials } from './credentials';
import { EVERYBODY, PrincipalsService } from './principals.service';

const SWEEP_MS = 250;
/** While the notifications come in, an answer from memory is right; this bounds what nobody thought of. */
const MAX_AGE_MS = 60_000;
const MAX_AGE_WITHOUT_NOTIFICATIONS_MS = 500;

interface Watched {
  header: string;
  access: Access;
  principal: Principal;
  endsAt: number;
  checkedAt: number;
  refusal: Problem | null;
  changed: (ended: boolean) => void;
}

/** A credential under which a call is held open. */
export interface WatchedCredential {
  /** Whose it is, as it was found at the last look. */
  readonly principal: Principal;
  /** Looks once more. @throws CredentialsInvalid, AdminRequired, ScopeRequired */
  assertAllowed(): Promise<void>;
  unwatch(): void;
}

/**
 * Tells calls that are held open when their credential ends: revoked, expired, rotated away or deleted; its user suspended,
 * demoted or deleted; its session over. Always true: it is told within a second, whoever made the change, by the same
 * notifications that empty the cache of principals; while those fail every credential is looked up again twice a second.
 */
@Injectable()
export class CredentialWatch implements OnModuleInit, OnModuleDestroy {
  private readonly watched = new Map<number, Set<Watched>>();
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

  /** @param changed called when the credential has ended (`true`), or may do something else than before */
  watch({ headers, access, principal }: AuthenticatedRequest, changed: (ended: boolean) => void): WatchedCredential {
    const header = headers.authorization as string;
    const endsAt = this.credentials.endsAt(header, principal);
    const one: Watched = { header, access, principal, endsAt, checkedAt: performance.now(), refusal: null, changed };
    const { userId } = principal;
    const ofUser = this.watched.get(userId) ?? new Set();
    this.watched.set(userId, ofUser.add(one));
    // What changed between the guard's look and this watch.
    void this.look(one);
    return {
      get principal() {
        return one.principal;
      },
      assertAllowed: async () => {
        await this.look(one);
        if (one.refusal) throw one.refusal;
      },
      unwatch: () => {
        ofUser.delete(one);
        if (ofUser.size === 0 && this.watched.get(userId) === ofUser) this.watched.delete(userId);
      },
    };
  }

  private lookAt(user: number | typeof EVERYBODY): void {
    const found = user === EVERYBODY ? [...this.watched.values()] : [this.watched.get(user) ?? []];
    for (const ofUser of found) for (const one of ofUser) void this.look(one);
  }

  private sweep(): void {
    const now = performance.now();
    const maxAge = this.notifications.healthy ? MAX_AGE_MS : MAX_AGE_WITHOUT_NOTIFICATIONS_MS;
    for (const ofUser of this.watched.values()) {
      for (const one of ofUser) if (now >= one.endsAt || now - one.checkedAt >= maxAge) void this.look(one);
    }
  }

  private async look(one: Watched): Promise<void> {
    if (one.refusal) return;
    one.checkedAt = performance.now();
    try {
      if (one.checkedAt >= one.endsAt) throw new CredentialsInvalid();
      const admitted = this.credentials.admit(one.header, one.access);
      const principal = admitted instanceof Promise ? await admitted : admitted;
      if (principal.userId !== one.principal.userId) throw new CredentialsInvalid();
      if (principal === one.principal) return;
      one.principal = principal;
      one.endsAt = this.credentials.endsAt(one.header, principal);
      one.changed(false);
    } catch (error) {
      // A database that is not there ends nothing, and hands out nothing either: the next look decides.
      if (!(error instanceof Problem) || error.getStatus() >= 500) return;
      one.refusal = error;
      one.changed(true);
    }
  }
}
