import { pause } from './pause';
import { retryAfterSeconds } from './problem-error';

export type Fetch = (request: Request) => Promise<Response>;

export interface Retries {
  /** How often a call is tried again; 4 by default, and 0 is never. */
  max?: number;
  /** The longest pause between two tries; 30 by default. A service that asks for more is not asked again. */
  longestPauseSeconds?: number;
  /** Whether a 429 is tried again as well: a rate may come back within the pause, a day's quota does not. */
  whenLimited?: boolean;
}

const FIRST_PAUSE_MS = 200;
const REPEATABLE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);
/** Their second time changes nothing: the attempt fences them off, or the state that they lead to. */
const REPEATABLE_POSTS = /\/v1\/requests\/(claim|complete|[^/]+\/(heartbeat|complete|fail|cancel))$/;
/** What a server or the proxy before it answers when it could not take the call. */
const UNAVAILABLE = new Set([502, 503, 504]);
const WITHOUT_BODY = new Set([204, 205, 304]);

/**
 * Tries again what may be repeated: when the network fails before the whole answer is here, and when the service cannot
 * take it now. It waits as long as `Retry-After` asks, or twice as long each time, and a random while more.
 */
export function withRetries(fetch: Fetch, { max = 4, longestPauseSeconds = 30, whenLimited = false }: Retries, mayRepeat = isRepeatable): Fetch {
  return async (request) => {
    for (let tries = 0; ; tries++) {
      const isLast = tries >= max || !mayRepeat(request);
      const backoffMs = Math.min(FIRST_PAUSE_MS * 2 ** tries, longestPauseSeconds * 1_000);
      let pauseMs = backoffMs / 2;
      try {
        const response = await wholeAnswer(await fetch(isLast ? request : request.clone()));
        if (isLast || !maySucceedLater(response, request, whenLimited)) return response;
        const asked = retryAfterSeconds(response);
        if (asked !== null && asked > longestPauseSeconds) return response;
        pauseMs = Math.max(pauseMs, (asked ?? 0) * 1_000);
      } catch (error) {
        if (isLast || request.signal.aborted) throw error;
      }
      await pause(pauseMs + (Math.random() * backoffMs) / 2, request.signal);
    }
  };
}

function isRepeatable({ method, headers, url }: Request): boolean {
  return REPEATABLE_METHODS.has(method) || headers.has('idempotency-key') || REPEATABLE_POSTS.test(new URL(url).pathname);
}

function maySucceedLater({ status, headers }: Response, request: Request, whenLimited: boolean): boolean {
  // The try before this one, whose answer was lost, is still being carried out.
  const isStillRunning = status === 409 && headers.has('retry-after') && request.headers.has('idempotency-key');
  return UNAVAILABLE.has(status) || isStillRunning || (status === 429 && whenLimited);
}

/** Reads the body here, where losing it in the middle still can be made good. Streams of events have no end to wait for. */
async function wholeAnswer(response: Response): Promise<Response> {
  const { status, statusText, headers } = response;
  if (headers.get('content-type')?.startsWith('text/event-stream') || WITHOUT_BODY.has(status)) return response;
  return new Response(await response.arrayBuffer(), { status, statusText, headers });
}
