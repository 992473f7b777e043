import { declares } from '../openapi/declarations';
import { IdempotencyKeyInUse, IdempotencyKeyReused, MalformedIdempotencyKey, TooManyIdempotencyKeys } from './idempotency.errors';

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  description: '1 to 255 visible ASCII characters. The same key and body again: the first answer again, and nothing happens twice.',
  schema: { type: 'string', maxLength: 512 },
};

/** The route takes an `Idempotency-Key`: a repeated call gets the first one's answer. */
export const Repeatable = () =>
  declares({
    parameters: [IDEMPOTENCY_KEY],
    fails: [MalformedIdempotencyKey, IdempotencyKeyReused, IdempotencyKeyInUse, TooManyIdempotencyKeys],
    answers: { fields: ['Idempotency-Replayed?'] },
  });
