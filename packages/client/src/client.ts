import createFetchClient, { type Client as FetchClient, type ClientPathsWithMethod, type MaybeOptionalInit, type MethodResponse } from 'openapi-fetch';
import { idempotencyKeys } from './idempotency-keys';
import { problemErrorOf } from './problem-error';
import { type Fetch, type Retries, withRetries } from './retries';
import { type components, type paths } from './schema';
import { type BatchedAnswer, type Batching, SubmitBatches } from './submit-batches';

/** The shapes of the API by their names. */
export type Schemas = components['schemas'];

export interface ClientOptions {
  /** Where the service answers, without `/v1`. */
  baseUrl: string;
  /** Sent as a bearer token; access tokens do as well. */
  apiKey: string;
  /** What carries the requests; the global `fetch` by default. */
  fetch?: Fetch;
  retries?: Retries;
  /**
   * Submits (`POST /v1/requests`) that come at the same moment go in one call, three times as many for a core of this process, unless
   * it is `false`. Each has its own answer, without the rate-limit fields; one that has no company goes by itself, at once. So do all
   * when `use` was given something, which looks at single calls.
   */
  batching?: boolean | Batching;
}

type Untyped = FetchClient<paths>;
type Method = 'get' | 'put' | 'post' | 'patch' | 'delete';
type Arguments<Init> = object extends Init ? [init?: Init & Record<string, unknown>] : [init: Init & Record<string, unknown>];

/** One call: the path as the OpenAPI document writes it, then parameters and body. A refusal is thrown. */
type Call<M extends Method> = <Path extends ClientPathsWithMethod<Untyped, M>, Init extends MaybeOptionalInit<paths[Path], M>>(
  path: Path,
  ...init: Arguments<Init>
) => Promise<{ data: MethodResponse<Untyped, M, Path, Init>; response: Response }>;

export interface Client extends Pick<Untyped, 'use' | 'eject'> {
  GET: Call<'get'>;
  PUT: Call<'put'>;
  POST: Call<'post'>;
  PATCH: Call<'patch'>;
  DELETE: Call<'delete'>;
}

/** Calls resolve to `{ data, response }`. @throws ProblemError from each call that the service refuses */
export function createClient(options: ClientOptions): Client {
  const { baseUrl, apiKey, fetch = (request) => globalThis.fetch(request), retries = {}, batching = true } = options;
  const headers = { authorization: `Bearer ${apiKey}` };
  const fetchClient = createFetchClient<paths>({ baseUrl, headers, fetch: withRetries(fetch, retries) });
  fetchClient.use(idempotencyKeys, {
    async onResponse({ response }) {
      if (response.status >= 400) throw await problemErrorOf(response);
    },
  });
  // Refusals are thrown, hence there is always an answer's data: openapi-fetch cannot know.
  const client = fetchClient as unknown as Client;
  return batching === false ? client : withBatches(client, options, batching === true ? {} : batching);
}

/** The client with its submits in batches. */
function withBatches(
  client: Client,
  { baseUrl, apiKey, fetch = (request) => globalThis.fetch(request), retries = {} }: ClientOptions,
  batching: Batching,
): Client {
  const post = client.POST as (path: string, init?: SubmitInit) => Promise<BatchedAnswer>;
  const batches = new SubmitBatches({
    ...batching,
    url: `${baseUrl.replace(/\/$/, '')}/v1/requests/batch`,
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    fetch: withRetries(fetch, retries, () => true),
    alone: (body, key) => post('/v1/requests', { body, headers: { 'idempotency-key': key } }),
  });
  const watchers = new Set<unknown>();
  const batched = (path: string, init?: SubmitInit): Promise<BatchedAnswer> => {
    const key = path === '/v1/requests' && watchers.size === 0 ? keyOfPlain(init) : null;
    return key === null ? post(path, init) : batches.submit((init as SubmitInit).body, key);
  };
  return {
    ...client,
    POST: batched as unknown as Client['POST'],
    use: (...middleware) => (middleware.forEach((one) => watchers.add(one)), client.use(...middleware)),
    eject: (...middleware) => (middleware.forEach((one) => watchers.delete(one)), client.eject(...middleware)),
  };
}

interface SubmitInit {
  body: Schemas['SubmitRequestDto'];
  headers?: Record<string, string>;
}

/** The key of a submit that asks for nothing but what an item of a batch may; undefined: it has none yet; null: it is to go alone, as one with a `Prefer` or a `signal`. */
function keyOfPlain(init: SubmitInit | undefined): string | undefined | null {
  if (init === undefined || Object.keys(init).some((name) => name !== 'body' && name !== 'headers')) return null;
  const { headers = {} } = init;
  const names = Object.keys(headers);
  if (names.length === 0) return undefined;
  const [name] = names as [string];
  return names.length === 1 && name.toLowerCase() === 'idempotency-key' ? headers[name] : null;
}
