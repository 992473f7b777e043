import { Injectable, Logger } from '@nestjs/common';
import { type FastifyReply } from 'fastify';
import { type AuthenticatedRequest } from '../../common/access.decorators';
import { leaveSlot } from '../../http/call-slots';
import { isFinal } from '../../ledger/entities/request.entity';
import { HistoriesService } from '../histories.service';
import { ownOnly } from '../requests.service';
import { type StatusEvent } from './event-log';
import { EventStream } from './event-stream';
import { HeldCalls } from './held-calls';
import { StatusWatch } from './status-watch';
import { StreamPings } from './stream-pings';

/**
 * Requests' changes as server-sent events. A stream holds a socket and a place in the history, nothing else: what it sends
 * is read from the rows, so a signal that is lost delays an event until the next ping and loses none. Always true: nothing
 * that a client does or leaves undone is kept for it, beyond what one stream has to send.
 */
@Injectable()
export class EventStreams {
  private readonly logger = new Logger(EventStreams.name);

  constructor(
    private readonly histories: HistoriesService,
    private readonly watch: StatusWatch,
    private readonly calls: HeldCalls,
    private readonly pings: StreamPings,
  ) {}

  /** Answers with the stream. @throws NotFoundProblem, TooManyStreams */
  async open(id: string, request: AuthenticatedRequest, reply: FastifyReply): Promise<void> {
    if (request.method === 'HEAD') return this.answerHead(id, request, reply);
    const call = this.calls.hold('event streams', request);
    const stream = new EventStream(id.toLowerCase(), call, lastEventId(request), reply.raw);
    this.watch.watch(stream.id, call);
    let begun = false;
    try {
      const events = await this.histories.events(stream.id, ownOnly(call.principal));
      if (!stream.knowsAll(events)) {
        leaveSlot(reply);
        await stream.connection();
      }
      await call.assertAllowed();
      if (stream.knowsAll(events)) return void reply.status(204).send();
      begun = stream.begin(reply);
      if (begun) void this.run(stream, stream.send(events));
    } finally {
      if (!begun) this.close(stream);
    }
  }

  private close({ id, call }: EventStream): void {
    this.watch.unwatch(id, call);
    this.calls.release(call);
  }

  private async answerHead(id: string, request: AuthenticatedRequest, reply: FastifyReply): Promise<void> {
    const events = await this.histories.events(id, ownOnly(request.principal));
    const isOver = isFinal((events.at(-1) as StatusEvent).status) && lastEventId(request) >= events.length - 1;
    void reply.status(isOver ? 204 : 200).header('content-type', EventStream.TYPE);
    void reply.send();
  }

  private async run(stream: EventStream, isOpen: boolean): Promise<void> {
    const part = this.pings.begin(stream);
    try {
      while (isOpen && (await stream.change())) {
        isOpen = stream.send(await this.histories.events(stream.id, ownOnly(stream.call.principal)));
      }
    } catch (error) {
      // The client comes back with its Last-Event-ID, and is answered what is wrong.
      this.logger.debug(`stream ended: ${(error as Error).message}`);
    } finally {
      part.delete(stream);
      stream.end();
      this.close(stream);
    }
  }
}

/** The number of the last event that the client has; -1: none. */
function lastEventId({ headers }: AuthenticatedRequest): number {
  const field = String(headers['last-event-id']);
  return /^\d{1,9}$/.test(field) ? Number(field) : -1;
}
