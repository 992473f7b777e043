import { HttpException } from '@nestjs/common';
import { STATUS_CODES } from 'node:http';
import { shown } from './json-pointer';
import { problemType } from './problem-type';

/** What an answer shows of a request is bounded, whatever the request was. */
export const SHOWN_ERRORS = 100;
const SHOWN_DETAIL = 1_000;

/** One wrong place in the input: `pointer` is a JSON Pointer (RFC 6901) as a URI fragment. */
export interface FieldError {
  pointer: string;
  detail: string;
  code: string;
}

export interface ProblemOptions {
  headers?: Record<string, string>;
  /** Members of its own, beside those of RFC 9457. */
  members?: Record<string, unknown>;
}

/** What is known of a kind of problem before one happens: the document is rendered from it. */
export interface ProblemClass {
  readonly name: string;
  readonly status: number;
  /** Null: that of the problem which it reports in its own way. */
  readonly code: string | null;
  /** The URI by which a registry names the kind of problem; null: the address of its own page. */
  readonly type: string | null;
  /** The status's own phrase unless a class has a better one. */
  readonly title: string | null;
  /** The fields of its header, beside those of every answer: a question mark behind those that may be missing. */
  readonly fields: readonly string[];
  /** JSON Schemas of its own members: a question mark behind the names of those that may be missing. */
  readonly members: Readonly<Record<string, object>>;
}

/** A refusal that is sent to the client as `application/problem+json` (RFC 9457). `code` is stable; clients switch on it. */
export abstract class Problem extends HttpException {
  static readonly status: number;
  static readonly code: string | null;
  static readonly type: string | null = null;
  static readonly title: string | null = null;
  static readonly fields: readonly string[] = [];
  static readonly members: Readonly<Record<string, object>> = {};

  readonly code: string;
  readonly headers: Record<string, string>;

  constructor(detail: string, options: ProblemOptions = {}) {
    const { status, code, type, title } = new.target as unknown as ProblemClass;
    // A refusal is an answer, not a fault: walking the stack for each would cost more than deciding it.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super({ type: type ?? problemType(code), title: title ?? titleOf(status), status, detail: shown(detail, SHOWN_DETAIL), code, ...options.members }, status);
    Error.stackTraceLimit = stackTraceLimit;
    this.code = code ?? '';
    this.message = shown(detail, SHOWN_DETAIL);
    this.headers = options.headers ?? {};
  }
}

export function titleOf(status: number): string {
  return STATUS_CODES[status] ?? 'Error';
}

/** The member of problems that name places in the input. */
export const ERRORS_MEMBER = {
  errors: {
    type: 'array',
    minItems: 1,
    maxItems: SHOWN_ERRORS,
    items: {
      type: 'object',
      required: ['pointer', 'detail', 'code'],
      properties: {
        pointer: { type: 'string', description: 'JSON Pointer into the body as a URI fragment; `#/query/…` for the query, `#/headers/…` for the header.' },
        detail: { type: 'string' },
        code: { type: 'string' },
      },
    },
  },
};

export class ValidationProblem extends Problem {
  static override readonly status = 400;
  static override readonly code = 'validation-failed';
  static override readonly title = 'Validation failed';
  static override readonly members = ERRORS_MEMBER;

  /** The places that are shown. */
  readonly errors: readonly FieldError[];

  constructor(errors: readonly FieldError[]) {
    const [first] = errors;
    const detail = first ? `${first.pointer}: ${first.detail}` : 'The request is not valid.';
    const listed = errors.slice(0, SHOWN_ERRORS).map((error) => ({ ...error, detail: shown(error.detail, SHOWN_DETAIL) }));
    super(detail, { members: { errors: listed } });
    this.errors = listed;
  }
}

export class NotFoundProblem extends Problem {
  static override readonly status = 404;
  static override readonly code = 'not-found';

  constructor(what: string) {
    super(`There is no such ${what}, or it is not yours to see.`);
  }
}

/** The database, or a queue in front of it, cannot take this now. */
export class UnavailableProblem extends Problem {
  static override readonly status = 503;
  static override readonly code: string = 'temporarily-unavailable';
  static override readonly type = 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity';
  static override readonly title = 'Temporarily reduced capacity';
  static override readonly fields = ['Retry-After'];

  constructor(detail: string, retryAfterSeconds = 1) {
    super(detail, { headers: { 'retry-after': String(retryAfterSeconds) } });
  }
}

/** What is stored stands in the way: nothing that the caller sent, and nothing that the caller can mend. */
export class StoredValueUnusable extends UnavailableProblem {
  static override readonly code = 'stored-value-unusable';

  constructor() {
    super('A stored value that this depends on cannot be used. Nothing is wrong with the request; the operator is informed.', 60);
  }
}
