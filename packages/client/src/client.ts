import createFetchClient, { type Client as FetchClient, type ClientPathsWithMethod, type MaybeOptionalInit, type MethodResponse } from 'openapi-fetch';
import { idempotencyKeys } from './idempotency-keys';
import { problemErrorOf } from './problem-error';
import { type Fetch, type Retries, withRetries } from './retries';
import { type components, type paths } from './schema';

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
export function createClient({ baseUrl, apiKey, fetch = (request) => globalThis.fetch(request), retries = {} }: ClientOptions): Client {
  const client = createFetchClient<paths>({ baseUrl, headers: { authorization: `Bearer ${apiKey}` }, fetch: withRetries(fetch, retries) });
  client.use(idempotencyKeys, {
    async onResponse({ response }) {
      if (response.status >= 400) throw await problemErrorOf(response);
    },
  });
  // Refusals are thrown, hence there is always an answer's data: openapi-fetch cannot know.
  return client as unknown as Client;
}
