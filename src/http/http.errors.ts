import { ERRORS_MEMBER, Problem } from './problem';

/** What came in is no request that could be looked at. */
export class MalformedRequest extends Problem {
  static override readonly status = 400;
  static override readonly code = 'malformed-request';
}

export class MalformedJson extends Problem {
  static override readonly status = 400;
  static override readonly code = 'malformed-json';
}

export class InvalidCursor extends Problem {
  static override readonly status = 400;
  static override readonly code = 'invalid-cursor';

  constructor() {
    super('The cursor does not belong to this list: start again without it.');
  }
}

/** A value that validation took and the database does not. */
export class UnstorableValue extends Problem {
  static override readonly status = 400;
  static override readonly code = 'unstorable-value';

  constructor(where = 'request') {
    super(`A value in the ${where} cannot be stored.`);
  }
}

export class MethodNotAllowed extends Problem {
  static override readonly status = 405;
  static override readonly code = 'method-not-allowed';
  static override readonly fields = ['Allow'];

  constructor(detail: string, allow: string) {
    super(detail, { headers: { allow } });
  }
}

export class RequestTimeout extends Problem {
  static override readonly status = 408;
  static override readonly code = 'request-timeout';

  constructor() {
    super('The request took too long to come in.');
  }
}

/** Another row has what none may have in common with it. */
export class ValueTaken extends Problem {
  static override readonly status = 409;
  static override readonly code = 'value-taken';
  static override readonly members = ERRORS_MEMBER;

  constructor(...names: string[]) {
    super(`There is one with this ${names.join(' and ')} already.`, {
      members: { errors: names.map((name) => ({ pointer: `#/${name}`, detail: 'is taken', code: 'taken' })) },
    });
  }
}

/** The resource is another one by now than the precondition names. */
export class StaleVersion extends Problem {
  static override readonly status = 412;
  static override readonly code = 'precondition-failed';
  static override readonly fields = ['ETag'];

  constructor(etag: string) {
    super('Somebody changed this since you read it: read it again.', { headers: { etag } });
  }
}

export class BodyTooLarge extends Problem {
  static override readonly status = 413;
  static override readonly code: string = 'body-too-large';

  constructor() {
    super('The body is larger than this service accepts.');
  }
}

export class UriTooLong extends Problem {
  static override readonly status = 414;
  static override readonly code = 'uri-too-long';

  constructor() {
    super('A part of the path is longer than any name or id.');
  }
}

export class UnsupportedMediaType extends Problem {
  static override readonly status = 415;
  static override readonly code = 'unsupported-media-type';

  constructor() {
    super('Send the body as application/json.');
  }
}

export class ExpectationFailed extends Problem {
  static override readonly status = 417;
  static override readonly code = 'expectation-failed';

  constructor() {
    super('The only expectation that is met here is 100-continue.');
  }
}

/** Somebody has as many of a kind as there may be. */
export class LimitReached extends Problem {
  static override readonly status = 409;
  static override readonly code = 'limit-reached';
  static override readonly members = { max: { type: 'integer', minimum: 0 } };

  constructor(what: string, max: number, setting: string) {
    super(`There are ${max} ${what} already, as many as there may be by the setting ${setting}: delete one first.`, { members: { max } });
  }
}

export class PreconditionRequired extends Problem {
  static override readonly status = 428;
  static override readonly code = 'precondition-required';
  static override readonly fields = ['ETag'];

  constructor(etag: string) {
    super('Name the version that you are changing: If-Match with its ETag, or If-None-Match: * to create.', { headers: { etag } });
  }
}

export class HeadersTooLarge extends Problem {
  static override readonly status = 431;
  static override readonly code = 'headers-too-large';
}

/** Nobody reads it. */
export class ClientGone extends Problem {
  static override readonly status = 499;
  static override readonly code = 'client-gone';
}

export class InternalError extends Problem {
  static override readonly status = 500;
  static override readonly code = 'internal-error';

  constructor(detail = 'Something failed on our side. It is logged under the id in `instance`.') {
    super(detail);
  }
}
