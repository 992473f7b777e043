import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { type FastifyReply } from 'fastify';
import { type ServerResponse } from 'node:http';
import { eventLog, type StatusEvent } from './event-log';
import { isFinal } from '../ledger/entities/request.entity';
import { RequestsService } from './requests.service';
import { StatusWatch } from './status-watch';

/** A line that keeps proxies from closing a quiet stream, and finds clients that have gone. */
const PING_MS = 15_000;
const PING = ':\n\n';

interface Stream {
  id: string;
  /** Whose request it must be; null: anybody's. */
  userId: number | null;
  out: ServerResponse;
  /** The last event that the client has. */
  last: number;
  reading: boolean;
  again: boolean;
}

/**
 * Requests' changes as server-sent events. A stream holds a socket and a place in the history, nothing else: what it sends
 * is told from the rows, so a signal that is lost delays an event until the next ping and loses none.
 */
@Injectable()
export class EventStreams implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(EventStreams.name);
  private readonly streams = new Set<Stream>();
  private timer: NodeJS.Timeout;
  private closed = false;

  constructor(
    private readonly requests: RequestsService,
    private readonly watch: StatusWatch,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.ping(), PING_MS).unref();
  }

  beforeApplicationShutdown(): void {
    this.closed = true;
    clearInterval(this.timer);
    for (const { out } of this.streams) out.end();
  }

  /** Answers with the stream. @throws NotFoundProblem */
  async open(id: string, userId: number | null, lastEventId: string | string[] | undefined, reply: FastifyReply): Promise<void> {
    const last = /^\d{1,9}$/.test(String(lastEventId)) ? Number(lastEventId) : -1;
    const events = eventLog(await this.requests.detail(id, userId));
    const isOver = isFinal((events.at(-1) as StatusEvent).status);
    if (isOver && last >= events.length - 1) return void reply.status(204).send();
    reply.hijack();
    const out = reply.raw;
    const headers = { ...reply.getHeaders(), 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' };
    out.writeHead(200, headers as Record<string, string>);
    const stream: Stream = { id, userId, out, last, reading: false, again: false };
    this.send(stream, events);
    if (isOver || this.closed) return void out.end();
    this.follow(stream);
  }

  private follow(stream: Stream): void {
    const unwatch = this.watch.watch(stream.id, () => void this.read(stream));
    this.streams.add(stream);
    stream.out.once('close', () => {
      unwatch();
      this.streams.delete(stream);
    });
    // What changed between the first look and the watch.
    void this.read(stream);
  }

  /** Sends what is new. One look at a time; a signal during one makes another follow. */
  private async read(stream: Stream): Promise<void> {
    stream.again = true;
    if (stream.reading) return;
    stream.reading = true;
    try {
      while (stream.again && !stream.out.writableEnded && !stream.out.destroyed) {
        stream.again = false;
        const events = eventLog(await this.requests.detail(stream.id, stream.userId));
        this.send(stream, events);
        if (isFinal((events.at(-1) as StatusEvent).status)) stream.out.end();
      }
    } catch (error) {
      // The client comes back with its Last-Event-ID, and is answered what is wrong.
      this.logger.debug(`stream ended: ${(error as Error).message}`);
      stream.out.end();
    } finally {
      stream.reading = false;
    }
  }

  private send(stream: Stream, events: StatusEvent[]): void {
    let text = '';
    for (const { n, status, attempt, at } of events.slice(stream.last + 1)) {
      text += `id: ${n}\nevent: status\ndata: ${JSON.stringify({ id: stream.id, status, attempt, at })}\n\n`;
    }
    stream.last = Math.max(stream.last, events.length - 1);
    if (text !== '') stream.out.write(text);
  }

  private async ping(): Promise<void> {
    for (const stream of [...this.streams]) {
      stream.out.write(PING);
      // One after the other: the net is not to be a wave.
      await this.read(stream);
    }
  }
}
