import { type Client, createClient } from '../../packages/client/src/client';
import { type Fetch, type Retries } from '../../packages/client/src/retries';
import { createWorker, type Worker, type WorkerOptions } from '../../packages/client/src/worker';
import { type TestUser } from '../support/factories';
import { type Replica } from '../support/service';

export function clientOf({ url }: Pick<Replica, 'url'>, { key }: Pick<TestUser, 'key'>, fetch?: Fetch, retries?: Retries): Client {
  return createClient({ baseUrl: url, apiKey: key, fetch, retries });
}

/** A fetch that keeps what it was asked and does to each call what the test states; `undefined` lets it pass. */
export function scriptedFetch(script: (request: Request, count: number, send: () => Promise<Response>) => Promise<Response> | undefined): Fetch & {
  calls: Request[];
} {
  const calls: Request[] = [];
  const send = (request: Request) => fetch(request);
  return Object.assign((request: Request) => (calls.push(request.clone()), script(request, calls.length, () => send(request)) ?? send(request)), { calls });
}

export type Workers = Omit<WorkerOptions, 'onError'> & { errors?: unknown[] };

/** A worker that the test ends, quiet about what goes wrong. */
export function startWorker({ errors = [], ...options }: Workers): Worker {
  return createWorker({ waitSeconds: 5, stopOn: [], ...options, onError: (error) => errors.push(error) });
}
