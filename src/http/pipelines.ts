import { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { type Socket } from 'node:net';

/** Requests of one connection that are carried out behind the one that is being answered. */
const AT_ONCE = 3;
/** Requests that wait on all connections together; some 3 kB each. */
const MAX_WAITING = 8_192;

interface Line {
  running: number;
  waiting: { request: IncomingMessage; response: ServerResponse }[];
}

/**
 * Bounds what a connection may have under way. Node carries out all requests that a client writes without waiting for an
 * answer, thousands in one read, and keeps their answers until the client reads. Here a few are carried out; the others wait
 * and the connection is not read further until they are answered. A connection that sends one after the other, as browsers,
 * proxies and our client do, pays nothing for this.
 */
export class Pipelines {
  private readonly lines = new Map<Socket, Line>();
  private waiting = 0;

  constructor(private readonly handle: RequestListener) {}

  readonly admit = (request: IncomingMessage, response: ServerResponse): void => {
    // Node gives the socket to one response at a time: this one is behind another.
    if (response.socket === null) this.enqueue(request, response);
    else this.handle(request, response);
  };

  /** Whether requests of the connection wait: nothing more of it is to be read. */
  readonly isHeld = (socket: Socket): boolean => (this.lines.get(socket)?.waiting.length ?? 0) > 0;

  private enqueue(request: IncomingMessage, response: ServerResponse): void {
    const line = this.lineOf(request.socket);
    if (line.running < AT_ONCE && line.waiting.length === 0) return this.run(line, request, response);
    line.waiting.push({ request, response });
    this.waiting++;
    request.socket.pause();
    if (this.waiting > MAX_WAITING) this.dropLongest();
  }

  private run(line: Line, request: IncomingMessage, response: ServerResponse): void {
    line.running++;
    response.once('close', () => {
      line.running--;
      // Others' requests are read in between, however quickly these are answered.
      setImmediate(() => this.runNext(request.socket, line));
    });
    this.handle(request, response);
  }

  private runNext(socket: Socket, line: Line): void {
    while (line.running < AT_ONCE) {
      const next = line.waiting.shift();
      if (next === undefined) break;
      this.waiting--;
      this.run(line, next.request, next.response);
    }
    if (line.waiting.length === 0 && !socket.destroyed) socket.resume();
  }

  private lineOf(socket: Socket): Line {
    const known = this.lines.get(socket);
    if (known !== undefined) return known;
    const line: Line = { running: 0, waiting: [] };
    this.lines.set(socket, line);
    // Node reads on whenever an answer is out, or a body is asked for.
    socket.on('resume', () => line.waiting.length > 0 && socket.pause());
    socket.once('close', () => {
      this.waiting -= line.waiting.length;
      line.waiting = [];
      this.lines.delete(socket);
    });
    return line;
  }

  /** Whoever writes thousands of requests and reads no answer is cut off before anybody else is. */
  private dropLongest(): void {
    let longest: [Socket, Line] | undefined;
    for (const entry of this.lines) if (longest === undefined || entry[1].waiting.length > longest[1].waiting.length) longest = entry;
    longest?.[0].destroy();
  }
}
