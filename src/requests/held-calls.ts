import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { CredentialWatch } from '../auth/credential-watch';
import { type AuthenticatedRequest } from '../common/access.decorators';
import { onConnectionClosed } from '../common/connection-closed';
import { type Principal } from '../common/principal';
import { Waiter } from '../common/waiter';
import { SettingsService } from '../configurations/settings.service';
import { TooManyStreams } from './requests.errors';
import { RequestSettings } from './requests.settings';

type Kind = 'event streams' | 'long polls';

/** A call that stays open. Its waiter closes when there is nobody left to answer, or nobody who may be answered. */
export interface HeldCall {
  readonly waiter: Waiter;
  /** Who calls, as far as is known now. */
  readonly principal: Principal;
  /** @throws what a new call with this credential would be refused with */
  assertAllowed(): Promise<void>;
  /** It is answered. */
  release(): void;
}

/**
 * Calls that stay open: event streams and long polls. Always true: a user holds so many of each at the same time, and no
 * call outlives its credential by a second, its connection, or the service's stop.
 */
@Injectable()
export class HeldCalls implements BeforeApplicationShutdown {
  private readonly waiters = new Set<Waiter>();
  private readonly counts: Record<Kind, Map<number, number>> = { 'event streams': new Map(), 'long polls': new Map() };
  private closed = false;

  constructor(
    private readonly credentials: CredentialWatch,
    private readonly settings: SettingsService,
  ) {}

  beforeApplicationShutdown(): void {
    this.closed = true;
    for (const waiter of this.waiters) waiter.close();
  }

  /** @throws TooManyStreams */
  hold(kind: Kind, request: AuthenticatedRequest): HeldCall {
    const { userId } = request.principal;
    const leave = this.count(kind, userId);
    const waiter = new Waiter();
    this.waiters.add(waiter);
    if (this.closed) waiter.close();
    const unlisten = onConnectionClosed(request.raw.socket, () => waiter.close());
    const credential = this.credentials.watch(request, (ended) => (ended ? waiter.close() : waiter.signal()));
    return {
      waiter,
      get principal() {
        return credential.principal;
      },
      assertAllowed: () => credential.assertAllowed(),
      release: () => {
        if (!this.waiters.delete(waiter)) return;
        leave();
        unlisten();
        credential.unwatch();
      },
    };
  }

  private count(kind: Kind, userId: number): () => void {
    const counts = this.counts[kind];
    const open = counts.get(userId) ?? 0;
    const max = this.settings.get(RequestSettings.maxStreams);
    if (open >= max) throw new TooManyStreams(kind, max);
    counts.set(userId, open + 1);
    return () => {
      const left = (counts.get(userId) ?? 1) - 1;
      if (left > 0) counts.set(userId, left);
      else counts.delete(userId);
    };
  }
}
