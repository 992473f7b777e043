import { type Middleware } from 'openapi-fetch';
import { type paths } from './schema';

type Method = 'get' | 'post';

type HeadersOf<Operation> = Operation extends { parameters: { header?: infer Headers } } ? NonNullable<Headers> : never;
type HasKey<Headers> = [Headers] extends [never] ? false : 'Idempotency-Key' extends keyof Headers ? true : false;

type KeyedOperation = {
  [Path in keyof paths]: { [M in Method]: HasKey<HeadersOf<paths[Path][M]>> extends true ? `${Uppercase<M>} ${Path}` : never }[Method];
}[keyof paths];

/** Every operation that takes a key, which the compiler holds to the schema. */
const KEYED: Record<KeyedOperation | 'POST /v1/requests/batch', true> = {
  'POST /v1/requests': true,
  'POST /v1/requests/batch': true,
  'GET /v1/authorize': true,
  'POST /v1/authorize': true,
  'POST /v1/auth/register': true,
  'POST /v1/users': true,
  'POST /v1/users/{userId}/api-keys': true,
  'POST /v1/users/{userId}/api-keys/{keyId}/rotate': true,
  'POST /v1/tiers': true,
  'POST /v1/configurations/{key}/changes': true,
};

/** Gives each call that creates or charges an `Idempotency-Key`, unless the caller did: all of its tries bear the same. */
export const idempotencyKeys: Middleware = {
  onRequest({ request, schemaPath }) {
    const { headers, method } = request;
    if (`${method} ${schemaPath}` in KEYED && !headers.has('idempotency-key')) headers.set('idempotency-key', crypto.randomUUID());
  },
};
