import { type Client, type Schemas } from './client';
import { eventsIn } from './event-stream';
import { pause } from './pause';

/** A change of a request's status. */
export interface StatusChange {
  /** Counts the request's changes from 0: where a later `followRequest` goes on. */
  n: number;
  /** The request's id. */
  id: string;
  status: Schemas['RequestDto']['status'];
  attempt: number;
  /** When it happened, by the service's clock. */
  at: string;
}

export interface FollowOptions {
  /** The `n` of the last change that is known; from the first one by default. */
  after?: number;
  /** Ends the following: the loop throws its reason. */
  signal?: AbortSignal;
  /** The service sends something every 15 seconds; a connection that is silent for longer than this is given up. 45 by default. */
  longestSilenceSeconds?: number;
}

const FINAL: ReadonlySet<string> = new Set(['succeeded', 'failed', 'canceled', 'expired'] satisfies StatusChange['status'][]);
const PAUSE_MS = 1_000;

/**
 * Every change of a request's status as it happens, each once and in order, up to the one that ends it. Connections that
 * break are made again and go on after the last change that was received. Leave the loop to stop.
 * @throws ProblemError when the service refuses, as for a request that is not there
 */
export async function* followRequest(client: Client, id: string, options: FollowOptions = {}): AsyncGenerator<StatusChange, void, undefined> {
  const { signal, longestSilenceSeconds = 45 } = options;
  let last = options.after ?? -1;
  for (;;) {
    const connection = new AbortController();
    const either = signal ? AbortSignal.any([signal, connection.signal]) : connection.signal;
    try {
      const headers = last < 0 ? {} : { 'last-event-id': String(last) };
      const { response } = await client.GET('/v1/requests/{id}/events', { params: { path: { id } }, headers, parseAs: 'stream', signal: either });
      // Nothing is left to follow.
      if (response.status === 204 || response.body === null) return;
      for await (const event of eventsIn(response.body, longestSilenceSeconds * 1_000)) {
        const change = { ...(JSON.parse(event.data) as Omit<StatusChange, 'n'>), n: Number(event.id) };
        last = change.n;
        yield change;
        if (FINAL.has(change.status)) return;
      }
    } finally {
      connection.abort();
    }
    signal?.throwIfAborted();
    await pause(PAUSE_MS * (0.5 + Math.random()), signal);
  }
}
