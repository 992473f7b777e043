import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { type Socket } from 'node:net';
import { CredentialWatch, type WatchedCredential } from '../../auth/credential-watch';
import { type AuthenticatedRequest } from '../../common/access.decorators';
import { type Principal } from '../../common/principal';
import { closeWithConnection, outliveConnection } from '../../http/connection-closed';
import { SettingsService } from '../../settings/settings.service';
import { TooManyStreams } from '../requests.errors';
import { RequestSettings } from '../requests.settings';
import { Waiter } from './waiter';

type Kind = 'event streams' | 'long polls';

/** A call that stays open. It closes when there is nobody left to answer, or nobody who may be answered. */
export class HeldCall extends Waiter {
  credential: WatchedCredential;

  constructor(
    readonly kind: Kind,
    readonly userId: number,
    readonly socket: Socket,
  ) {
    super();
  }

  /** Who calls, as far as is known now. */
  get principal(): Principal {
    return this.credential.principal;
  }

  /** @throws what a new call with this credential would be refused with */
  assertAllowed(): Promise<void> {
    return this.credential.assertAllowed();
  }

  credentialChanged(ended: boolean): void {
    if (ended) this.close();
    else this.signal();
  }
}

/**
 * Calls that stay open: event streams and long polls. Always true: a user holds so many of each at the same time, and no
 * call outlives its credential by a second, its connection, or the service's stop.
 */
@Injectable()
export class HeldCalls implements BeforeApplicationShutdown {
  private readonly calls = new Set<HeldCall>();
  private readonly counts: Record<Kind, Map<number, number>> = { 'event streams': new Map(), 'long polls': new Map() };
  private closed = false;

  constructor(
    private readonly credentials: CredentialWatch,
    private readonly settings: SettingsService,
  ) {}

  beforeApplicationShutdown(): void {
    this.closed = true;
    for (const call of this.calls) call.close();
  }

  /** Takes one of the user's places until it is released. @throws TooManyStreams */
  hold(kind: Kind, request: AuthenticatedRequest): HeldCall {
    const { userId } = request.principal;
    const counts = this.counts[kind];
    const open = counts.get(userId) ?? 0;
    const max = this.settings.get(RequestSettings.maxStreams);
    if (open >= max) throw new TooManyStreams(kind, max);
    counts.set(userId, open + 1);
    const call = new HeldCall(kind, userId, request.raw.socket);
    this.calls.add(call);
    if (this.closed) call.close();
    closeWithConnection(call.socket, call);
    call.credential = this.credentials.watch(request, call);
    return call;
  }

  /** It is answered. */
  release(call: HeldCall): void {
    if (!this.calls.delete(call)) return;
    outliveConnection(call.socket, call);
    this.credentials.unwatch(call.credential);
    const counts = this.counts[call.kind];
    const left = (counts.get(call.userId) ?? 1) - 1;
    if (left > 0) counts.set(call.userId, left);
    else counts.delete(call.userId);
  }
}
