import { type FastifyReply } from 'fastify';
import { type ServerResponse } from 'node:http';
import { isFinal } from '../ledger/entities/request.entity';
import { type StatusEvent } from './event-log';
import { type HeldCall } from './held-calls';

const PING = ':\n\n';

/** The wire of one stream of server-sent events: writes what the client can take, and never after the end. */
export class EventStream {
  static readonly TYPE = 'text/event-stream';
  private readonly out: ServerResponse;
  /** At the last ping it had not taken all that was written. */
  private stuck = false;

  /** @param last the number of the last event that the client has */
  constructor(
    readonly id: string,
    readonly call: HeldCall,
    private last: number,
    private readonly reply: FastifyReply,
  ) {
    this.out = reply.raw;
  }

  /** The request has ended, and the client has been told so. */
  knowsAll(events: readonly StatusEvent[]): boolean {
    return this.last >= events.length - 1 && isFinal((events.at(-1) as StatusEvent).status);
  }

  /** Waits until the connection is this answer's: behind others on it (pipelining) all would be kept in memory. */
  async connection(): Promise<void> {
    const { waiter } = this.call;
    if (this.out.socket !== null) return;
    this.out.once('socket', () => waiter.signal());
    while (this.out.socket === null && (await waiter.waitForChange(Infinity)));
    // There may have been others than that of the connection.
    waiter.signal();
  }

  /** Sends the header. @returns false when the client has gone */
  begin(): boolean {
    const { waiter } = this.call;
    if (this.reply.request.raw.socket.destroyed) return false;
    this.reply.hijack();
    this.out.on('error', () => waiter.close());
    this.out.on('drain', () => waiter.signal());
    this.out.writeHead(200, { ...this.reply.getHeaders(), 'content-type': EventStream.TYPE, 'x-accel-buffering': 'no' } as Record<string, string>);
    return true;
  }

  /** Sends what is new. @returns whether there may be more */
  async send(events: readonly StatusEvent[]): Promise<boolean> {
    let text = '';
    for (const { n, status, attempt, at } of events.slice(this.last + 1)) {
      text += `id: ${n}\nevent: status\ndata: ${JSON.stringify({ id: this.id, status, attempt, at })}\n\n`;
    }
    this.last = Math.max(this.last, events.length - 1);
    if (text !== '') this.write(text);
    // A client that does not read is not read for either.
    while (this.out.writableNeedDrain) if (!(await this.call.waiter.waitForChange(Infinity))) return false;
    return !isFinal((events.at(-1) as StatusEvent).status) && !this.out.destroyed;
  }

  /** Keeps the stream open, and has it look for what it was not told. Who has taken nothing between two pings is cut off. */
  ping(): void {
    const wasStuck = this.stuck;
    this.stuck = this.out.writableLength > 0;
    if (this.stuck) {
      if (wasStuck) this.out.destroy();
      return;
    }
    this.write(PING);
    this.call.waiter.signal();
  }

  end(): void {
    if (!this.out.writableEnded && !this.out.destroyed) this.out.end();
  }

  private write(text: string): void {
    if (!this.out.writableEnded && !this.out.destroyed) this.out.write(text);
  }
}
