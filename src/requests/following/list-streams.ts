import { Injectable } from '@nestjs/common';
import { type FastifyReply } from 'fastify';
import { type AuthenticatedRequest } from '../../common/access.decorators';
import { leaveSlot } from '../../http/call-slots';
import { NotFoundProblem } from '../../http/problem';
import { ownOnly } from '../requests.service';
import { EventWire } from './event-wire';
import { HeldCalls } from './held-calls';
import { ListWatch } from './list-watch';
import { StreamPings } from './stream-pings';

const CHANGED = 'event: changed\ndata: {}\n\n';

/**
 * Streams that report that a list of requests is to be read anew, once a second at the utmost. They carry no request: what is answered is
 * what the list answers, so nobody learns by a stream what they may not read.
 */
@Injectable()
export class ListStreams {
  constructor(
    private readonly watch: ListWatch,
    private readonly calls: HeldCalls,
    private readonly pings: StreamPings,
  ) {}

  /** @param asked whose; default: everybody whom the caller may read. @throws NotFoundProblem for the id of another user; TooManyStreams */
  async open(asked: number | undefined, request: AuthenticatedRequest, reply: FastifyReply): Promise<void> {
    const own = ownOnly(request.principal);
    if (own !== null && asked !== undefined && asked !== own) throw new NotFoundProblem('user');
    if (request.method === 'HEAD') return void reply.status(200).header('content-type', EventWire.TYPE).send();
    const userId = asked ?? own;
    const call = this.calls.hold('event streams', request);
    const stream = new EventWire(call, reply.raw);
    this.watch.watch(userId, call);
    let begun = false;
    try {
      leaveSlot(reply);
      await stream.connection();
      await call.assertAllowed();
      begun = stream.begin(reply);
      if (begun) void this.run(stream, userId);
    } finally {
      if (!begun) this.close(stream, userId);
    }
  }

  private async run(stream: EventWire, userId: number | null): Promise<void> {
    const part = this.pings.begin(stream);
    try {
      // The first one at once: what was read before the stream was open may be old.
      do {
        const own = ownOnly(stream.call.principal);
        // Somebody who is an operator no longer comes back, and is answered what they may read now.
        if (own !== null && own !== userId) return;
        stream.write(CHANGED);
      } while ((await stream.change()) && !stream.isGone);
    } finally {
      part.delete(stream);
      stream.end();
      this.close(stream, userId);
    }
  }

  private close({ call }: EventWire, userId: number | null): void {
    this.watch.unwatch(userId, call);
    this.calls.release(call);
  }
}
