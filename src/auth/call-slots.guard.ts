import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { type Socket } from 'node:net';
import { BOUNDED_OTHERWISE } from '../common/access.decorators';
import { networkOfRequest } from '../common/network-address';
import { OncePerRoute } from '../common/once-per-route';
import { type Principal } from '../common/principal';
import { CallSlots, leaveWhenAnswered, type Slot } from '../http/call-slots';
import { closeWithConnection, outliveConnection } from '../http/connection-closed';
import { ClientGone } from '../http/http.errors';
import { GuardFails } from '../openapi/declarations';
import { TooManyCalls } from './auth.errors';

/** Enough for a page that asks for several things at once; few enough to leave connections to the database, and the processor, to others. */
const UNDER_WAY_MAX = 3;
/** A call that waits is some 10 kB, and its body. */
const WAITING_MAX = 512;

/**
 * Bounds what a user has under way at once, on every route but those that are `@BoundedOtherwise()`; callers without a credential
 * count by their network. Beyond it calls wait in the order in which they came, so that nobody's calls take all
 * connections to the database.
 */
@Injectable()
@GuardFails(({ metadata }) => (metadata(BOUNDED_OTHERWISE) === true ? [] : [TooManyCalls]))
export class CallSlotsGuard implements CanActivate {
  private readonly slots = new CallSlots<number | string>({ max: UNDER_WAY_MAX, waitingMax: WAITING_MAX, full: () => new TooManyCalls() });
  private readonly boundedOtherwise = new OncePerRoute((context) =>
    this.reflector.getAllAndOverride<boolean | undefined>(BOUNDED_OTHERWISE, [context.getHandler(), context.getClass()]),
  );

  constructor(private readonly reflector: Reflector) {}

  /** @throws TooManyCalls when too many of this caller wait */
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    if (this.boundedOtherwise.of(context)) return true;
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest & { principal?: Principal }>();
    const slot = this.slots.enter(request.principal?.userId ?? networkOfRequest(request));
    leaveWhenAnswered(http.getResponse<FastifyReply>(), slot);
    return slot.begins === true || this.wait(slot, slot.begins, request.raw.socket);
  }

  private async wait(slot: Slot, begins: Promise<boolean>, socket: Socket): Promise<boolean> {
    const ifGone = { close: () => slot.leave() };
    closeWithConnection(socket, ifGone);
    if (!(await begins)) throw new ClientGone('The client went away while its call waited.');
    outliveConnection(socket, ifGone);
    return true;
  }
}
