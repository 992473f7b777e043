import { HttpException } from '@nestjs/common';
import { Problem } from '../http/problem';
import { IdempotencySettings } from './idempotency.settings';

export class MalformedIdempotencyKey extends Problem {
  constructor() {
    super(400, 'malformed-idempotency-key', 'Idempotency-Key must be 1 to 255 visible ASCII characters, with or without quotes.', {
      members: { errors: [{ pointer: '#/headers/idempotency-key', detail: 'is malformed', code: 'malformed-idempotency-key' }] },
    });
  }
}

export class IdempotencyKeyReused extends Problem {
  constructor() {
    super(422, 'idempotency-key-reused', 'This Idempotency-Key was used for a request with another body: take a new key for a new request.');
  }
}

export class IdempotencyKeyInUse extends Problem {
  constructor() {
    super(409, 'idempotency-key-in-use', 'A request with this Idempotency-Key is still running, longer than is waited for: ask again for its answer.', {
      headers: { 'retry-after': '1' },
    });
  }
}

export class TooManyIdempotencyKeys extends Problem {
  constructor(limit: number) {
    super(
      409,
      'too-many-idempotency-keys',
      `A user has at most ${limit} answers of one kind kept under Idempotency-Keys, by the setting ${IdempotencySettings.maxAnswersPerUser.key}: send this without one, or tomorrow.`,
    );
  }
}

/** Ends a repeated call with the answer that the first one got. */
export class StoredAnswer extends HttpException {
  readonly headers: Record<string, string>;

  constructor(body: object | string, status: number, headers: Record<string, string>) {
    super(body, status);
    this.headers = { ...headers, 'idempotency-replayed': 'true' };
  }
}
