import { type FastifyReply } from 'fastify';
import { type ServerResponse } from 'node:http';
import { type HeldCall } from './held-calls';

const PING = ':\n\n';
const IGNORE = (): void => undefined;

/** The wire of one stream of server-sent events: writes what the client can take, and never after the end. */
export class EventWire {
  static readonly TYPE = 'text/event-stream';
  /** At the last ping it had not taken all that was written. */
  private stuck = false;

  constructor(
    readonly call: HeldCall,
    private readonly out: ServerResponse,
  ) {}

  get isGone(): boolean {
    return this.out.destroyed;
  }

  /** Waits until the connection is this answer's: behind others on it (pipelining) all would be kept in memory. */
  async connection(): Promise<void> {
    const { call, out } = this;
    if (out.socket !== null) return;
    out.once('socket', () => call.signal());
    while (out.socket === null && (await call.waitForChange(Infinity)));
    // There may have been others than that of the connection.
    call.signal();
  }

  /** Sends the header. @returns false when the client has gone */
  begin(reply: FastifyReply): boolean {
    if (this.call.socket.destroyed) return false;
    reply.hijack();
    // The connection closes with it, and that is seen to.
    this.out.on('error', IGNORE);
    this.out.writeHead(200, { ...reply.getHeaders(), 'content-type': EventWire.TYPE, 'x-accel-buffering': 'no' } as Record<string, string>);
    // Kept in memory for as long as the stream is open: sent by itself it is one piece, else half a hundred.
    this.out.flushHeaders();
    reply.request.raw.rawHeaders = [];
    return true;
  }

  /** Until there may be something new, for a client who takes it: for one that does not read nothing is read either. */
  change(): Promise<boolean> {
    return this.out.writableNeedDrain ? this.drain() : this.call.waitForChange(Infinity);
  }

  private async drain(): Promise<boolean> {
    const { call, out } = this;
    out.once('drain', () => call.signal());
    while (out.writableNeedDrain) if (!(await call.waitForChange(Infinity))) return false;
    return true;
  }

  /** Keeps the stream open, and has it look for what it missed. Who has taken nothing between two pings is cut off. */
  ping(): void {
    const wasStuck = this.stuck;
    this.stuck = this.out.writableLength > 0;
    if (this.stuck) {
      if (wasStuck) this.out.destroy();
      return;
    }
    this.write(PING);
    this.call.signal();
  }

  end(): void {
    if (!this.out.writableEnded && !this.out.destroyed) this.out.end();
  }

  write(text: string): void {
    if (!this.out.writableEnded && !this.out.destroyed) this.out.write(text);
  }
}
