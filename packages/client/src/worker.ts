import { type Client } from './client';
import { type ClaimedRequest } from './lease';
import { OutcomeDelivery } from './outcome-delivery';
import { pause } from './pause';
import { ProblemError } from './problem-error';
import { type Handler, WorkInHand } from './work-in-hand';

export interface WorkerOptions {
  client: Client;
  /** The types that the handler can carry out. */
  types: string[];
  /** How many requests are carried out at a time; 1 by default. */
  concurrency?: number;
  handler: Handler;
  /** For how long a request stays this worker's between two heartbeats; the service's setting by default. */
  leaseSeconds?: number;
  /** For how long a claim waits for something to do; 20 by default, 30 at most. */
  waitSeconds?: number;
  /** Aborting it is `stop()`. */
  signal?: AbortSignal;
  /** The signals of the process that are `stop()`, where it has any; SIGTERM and SIGINT by default. */
  stopOn?: ('SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGQUIT' | 'SIGBREAK' | 'SIGUSR2')[];
  /** Called with all that went wrong, with the request if it was about one; a warning of the process by default. */
  onError?: (error: unknown, request?: ClaimedRequest) => void;
}

export interface Worker {
  /** Claims no more, and resolves when what was begun is done. */
  stop(): Promise<void>;
  /** Resolves when it has stopped; rejects when the service does not take its claims at all, as with a revoked key. */
  readonly finished: Promise<void>;
}

/** What Node, Deno and Bun have of a process; browsers and edge runtimes have none. */
const host = (globalThis as { process?: Partial<Pick<NodeJS.Process, 'once' | 'off' | 'emitWarning'>> }).process;

const MAX_CLAIMED = 100;
const PAUSE_MS = 1_000;

/** Carries out requests until it is stopped. */
export function createWorker(options: WorkerOptions): Worker {
  const { client, types, handler, leaseSeconds, concurrency = 1, waitSeconds = 20, stopOn = ['SIGTERM', 'SIGINT'], onError = warn } = options;
  const running = new Set<Promise<void>>();
  const outcomes = new OutcomeDelivery(client);
  let stopped = false;
  // One for each claim: on one that lives as long as the worker, listeners would gather.
  let claiming = new AbortController();

  const claim = async (): Promise<ClaimedRequest[]> => {
    claiming = new AbortController();
    const body = { types, limit: Math.min(concurrency - running.size, MAX_CLAIMED), leaseSeconds, waitSeconds };
    try {
      return (await client.POST('/v1/requests/claim', { body, signal: claiming.signal })).data.items;
    } catch (error) {
      if (stopped) return [];
      if (isHopeless(error)) throw error;
      onError(error);
      await pause(PAUSE_MS * (0.5 + Math.random()), claiming.signal).catch(() => undefined);
      return [];
    }
  };

  const run = async (): Promise<void> => {
    try {
      while (!stopped) {
        for (const request of await claim()) {
          const work = new WorkInHand(client, outcomes, request, leaseSeconds, (error) => onError(error, request)).carryOut(handler);
          const done: Promise<void> = work.finally(() => running.delete(done));
          running.add(done);
        }
        if (running.size >= concurrency) await Promise.race(running);
      }
    } finally {
      await Promise.all(running);
      for (const name of stopOn) host?.off?.(name, stop);
      options.signal?.removeEventListener('abort', stop);
    }
  };

  const stop = (): void => {
    stopped = true;
    claiming.abort();
  };
  for (const name of stopOn) host?.once?.(name, stop);
  options.signal?.addEventListener('abort', stop, { once: true });
  if (options.signal?.aborted) stop();
  const finished = run();
  return {
    finished,
    stop: () => {
      stop();
      return finished;
    },
  };
}

/** A claim that the service will not take tomorrow either. */
function isHopeless(error: unknown): boolean {
  return error instanceof ProblemError && [400, 401, 403, 404].includes(error.status);
}

function warn(error: unknown, request?: ClaimedRequest): void {
  const what = request ? `request ${request.id} in attempt ${request.attempt}` : 'claiming';
  const text = `${what}: ${String(error)}`;
  if (host?.emitWarning) host.emitWarning(text, 'QuotidianWorker');
  else (globalThis as { console?: { warn(text: string): void } }).console?.warn(`QuotidianWorker: ${text}`);
}
