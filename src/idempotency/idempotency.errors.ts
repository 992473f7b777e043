import { HttpException } from '@nestjs/common';
import { ERRORS_MEMBER, Problem } from '../http/problem';
import { IdempotencySettings } from './idempotency.settings';

export class MalformedIdempotencyKey extends Problem {
  static override readonly status = 400;
  static override readonly code = 'malformed-idempotency-key';
  static override readonly members = ERRORS_MEMBER;

  constructor() {
    super('Idempotency-Key must be 1 to 255 visible ASCII characters, with or without quotes.', {
      members: { errors: [{ pointer: '#/headers/idempotency-key', detail: 'is malformed', code: 'malformed-idempotency-key' }] },
    });
  }
}

export class IdempotencyKeyReused extends Problem {
  static override readonly status = 422;
  static override readonly code = 'idempotency-key-reused';

  constructor() {
    super('This Idempotency-Key was used for a request with another body: take a new key for a new request.');
  }
}

export class IdempotencyKeyInUse extends Problem {
  static override readonly status = 409;
  static override readonly code = 'idempotency-key-in-use';
  static override readonly fields = ['Retry-After'];

  constructor() {
    super('A request with this Idempotency-Key is still running, longer than is waited for: ask again for its answer.', {
      headers: { 'retry-after': '1' },
    });
  }
}

export class TooManyIdempotencyKeys extends Problem {
  static override readonly status = 409;
  static override readonly code = 'too-many-idempotency-keys';

  constructor(limit: number) {
    super(
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
