import { type ServerResponse } from 'node:http';
import { isFinal } from '../../ledger/entities/request.entity';
import { type StatusEvent } from './event-log';
import { EventWire } from './event-wire';
import { type HeldCall } from './held-calls';

/** The stream of one request's changes. */
export class EventStream extends EventWire {
  /** @param last the number of the last event that the client has */
  constructor(
    readonly id: string,
    call: HeldCall,
    private last: number,
    out: ServerResponse,
  ) {
    super(call, out);
  }

  /** The request has ended, and the client was sent that. */
  knowsAll(events: readonly StatusEvent[]): boolean {
    return this.last >= events.length - 1 && isFinal((events.at(-1) as StatusEvent).status);
  }

  /** Sends what is new. @returns whether there may be more */
  send(events: readonly StatusEvent[]): boolean {
    let text = '';
    for (const { n, status, attempt, at } of events.slice(this.last + 1)) {
      text += `id: ${n}\nevent: status\ndata: ${JSON.stringify({ id: this.id, status, attempt, at })}\n\n`;
    }
    this.last = Math.max(this.last, events.length - 1);
    if (text !== '') this.write(text);
    return !isFinal((events.at(-1) as StatusEvent).status) && !this.isGone;
  }
}
