import { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';

/** Requests that are begun in one round of the event loop: a millisecond's work. */
const A_ROUND = 8;

interface Arrived {
  request: IncomingMessage;
  response: ServerResponse;
}

/**
 * Begins requests a few in each round of the event loop, one of each caller in turn. Always true: however many requests of
 * one caller come in at once, another caller's is begun in the next round, and answers to others go out in between. While
 * few come in, each is begun at once.
 */
export class FairEntry {
  /** Of each caller who waits, in turn. */
  private readonly waiting = new Map<string, Arrived[]>();
  private begun = 0;
  private scheduled = false;

  constructor(private readonly handle: RequestListener) {}

  readonly enter = (request: IncomingMessage, response: ServerResponse): void => {
    if (!this.scheduled) {
      this.scheduled = true;
      setImmediate(this.nextRound);
    }
    if (this.begun < A_ROUND && this.waiting.size === 0) {
      this.begun++;
      return this.handle(request, response);
    }
    const caller = callerOf(request);
    const line = this.waiting.get(caller);
    if (line === undefined) this.waiting.set(caller, [{ request, response }]);
    else line.push({ request, response });
  };

  private readonly nextRound = (): void => {
    this.begun = 0;
    this.scheduled = this.waiting.size > 0;
    if (!this.scheduled) return;
    setImmediate(this.nextRound);
    while (this.begun < A_ROUND) {
      const [first] = this.waiting;
      if (first === undefined) return;
      const [caller, line] = first;
      const { request, response } = line.shift() as Arrived;
      // Behind all others who wait.
      this.waiting.delete(caller);
      if (line.length > 0) this.waiting.set(caller, line);
      if (request.socket.destroyed) continue;
      this.begun++;
      this.handle(request, response);
    }
  };
}

/** Before anything is checked: whoever makes up credentials shares the address's turn with nobody but is refused cheaply. */
function callerOf({ headers, socket }: IncomingMessage): string {
  return headers.authorization ?? socket.remoteAddress ?? '';
}
