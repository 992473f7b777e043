import { type Middleware } from 'openapi-fetch';
import { type paths } from './schema';

type Method = 'get' | 'post';

type HeadersOf<Operation> = Operation extends { parameters: { header?: infer Headers } } ? NonNullable<Headers> : never;
type HasKey<Headers> = [Headers] extends [never] ? false : 'Idempotency-Key' extends keyof Headers ? true : false;

/** Takes a key whatever the method. */
type Gateway = '/v1/authorize' | '/v1/authorize/{path}';

type KeyedOperation = {
  [Path in Exclude<keyof paths, Gateway>]: { [M in Method]: HasKey<HeadersOf<paths[Path][M]>> extends true ? `${Uppercase<M>} ${Path}` : never }[Method];
}[Exclude<keyof paths, Gateway>];

/** Every operation that takes a key, which the compiler holds to the schema. */
const KEYED: Record<KeyedOperation | 'POST /v1/requests/batch' | 'POST /v1/users/{userId}/quota/grants' | 'POST /v1/service-accounts', true> = {
  'POST /v1/requests': true,
  'POST /v1/requests/batch': true,
  'POST /v1/auth/register': true,
  'POST /v1/users': true,
  'POST /v1/users/{userId}/api-keys': true,
  'POST /v1/users/{userId}/quota/grants': true,
  'POST /v1/users/{userId}/api-keys/{keyId}/rotate': true,
  'POST /v1/service-accounts': true,
  'POST /v1/tiers': true,
  'POST /v1/configurations/{key}/changes': true,
  'POST /v1/webhook-endpoints': true,
  'POST /v1/webhook-endpoints/{endpointId}/rotate-secret': true,
};

const isKeyed = (operation: string, path: string) => operation in KEYED || path.startsWith('/v1/authorize' satisfies Gateway);

/** Gives each call that creates or charges an `Idempotency-Key`, unless the caller did: all of its tries bear the same. */
export const idempotencyKeys: Middleware = {
  onRequest({ request, schemaPath }) {
    const { headers, method } = request;
    if (isKeyed(`${method} ${schemaPath}`, schemaPath) && !headers.has('idempotency-key')) headers.set('idempotency-key', crypto.randomUUID());
  },
};
