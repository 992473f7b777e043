import { HttpException, HttpStatus } from '@nestjs/common';
import { STATUS_CODES } from 'node:http';
import { shown } from './json-pointer';

/** What an answer tells of a request is bounded, whatever the request was. */
export const SHOWN_ERRORS = 100;
const SHOWN_DETAIL = 1_000;

/** One wrong place in the input: `pointer` is a JSON Pointer (RFC 6901) as a URI fragment. */
export interface FieldError {
  pointer: string;
  detail: string;
  code: string;
}

export interface ProblemOptions {
  /** A URI that names the kind of problem; `about:blank` unless a registry defines one. */
  type?: string;
  title?: string;
  headers?: Record<string, string>;
  /** Members of its own, beside those of RFC 9457. */
  members?: Record<string, unknown>;
}

/** A refusal that is told to the client as `application/problem+json` (RFC 9457). `code` is stable; clients switch on it. */
export class Problem extends HttpException {
  readonly headers: Record<string, string>;

  constructor(
    status: number,
    readonly code: string,
    detail: string,
    options: ProblemOptions = {},
  ) {
    // A refusal is an answer, not a fault: walking the stack for each would cost more than deciding it.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(
      {
        type: options.type ?? 'about:blank',
        title: options.title ?? STATUS_CODES[status] ?? 'Error',
        status,
        detail: shown(detail, SHOWN_DETAIL),
        code,
        ...options.members,
      },
      status,
    );
    Error.stackTraceLimit = stackTraceLimit;
    this.message = shown(detail, SHOWN_DETAIL);
    this.headers = options.headers ?? {};
  }
}

export class ValidationProblem extends Problem {
  constructor(errors: FieldError[]) {
    const [first] = errors;
    const detail = first ? `${first.pointer}: ${first.detail}` : 'The request is not valid.';
    const told = errors.slice(0, SHOWN_ERRORS).map((error) => ({ ...error, detail: shown(error.detail, SHOWN_DETAIL) }));
    super(HttpStatus.BAD_REQUEST, 'validation-failed', detail, { title: 'Validation failed', members: { errors: told } });
  }
}

export class NotFoundProblem extends Problem {
  constructor(what: string) {
    super(HttpStatus.NOT_FOUND, 'not-found', `There is no such ${what}, or it is not yours to see.`);
  }
}

/** The database, or a queue in front of it, cannot take this now. */
export class UnavailableProblem extends Problem {
  constructor(detail: string, retryAfterSeconds = 1, code = 'temporarily-unavailable') {
    super(HttpStatus.SERVICE_UNAVAILABLE, code, detail, {
      type: 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity',
      title: 'Temporarily reduced capacity',
      headers: { 'retry-after': String(retryAfterSeconds) },
    });
  }
}

/** What is stored stands in the way: nothing that the caller sent, and nothing that the caller can mend. */
export class StoredValueUnusable extends UnavailableProblem {
  constructor() {
    super('A stored value that this depends on cannot be used. Nothing is wrong with the request; the operator is told.', 60, 'stored-value-unusable');
  }
}
