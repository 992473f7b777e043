import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { createHash } from 'node:crypto';
import { canonicalJson } from '../common/json-diff';
import { type Principal } from '../common/principal';
import { MalformedIdempotencyKey } from './idempotency.errors';
import { Repeatable } from './repeatable.decorator';

type Fields = Record<string, string>;

/** A call that may be a retry: its key, and what distinguishes it from another call under the same key. */
export interface IdempotentCall {
  /** Whose key it is; null: the account's that the call makes. */
  userId: number | null;
  /** The same as text, known before the account is: an id, or an address. */
  subject: string;
  /** The operation; a key used on two routes is two keys. */
  scope: string;
  key: string;
  /** Everything that was asked for, secret members too. */
  content: unknown;
  /** Whether a bound holds for the answers that are kept: administrators have none. */
  bounded: boolean;
  /** The fields of the answer's header that follow from its body: a replay bears them as the first answer did. */
  headersOf: (body: unknown) => Fields;
}

const VISIBLE = /^[\x21-\x7e]{1,255}$/;
/** 255 characters with a backslash before each, and the quotes. */
const MAX_FIELD_CHARS = 512;

/**
 * The value of an `Idempotency-Key` field: bare, or as the structured-field string of
 * draft-ietf-httpapi-idempotency-key-header-07.
 *
 * @throws MalformedIdempotencyKey
 */
export function parseIdempotencyKey(field: string | string[] | undefined): string | null {
  if (field === undefined) return null;
  if (Array.isArray(field) || field.length > MAX_FIELD_CHARS) throw new MalformedIdempotencyKey();
  const quoted = /^"((?:[^"\\]|\\["\\])*)"$/.exec(field);
  const key = quoted?.[1]?.replace(/\\(["\\])/g, '$1') ?? field;
  if (!VISIBLE.test(key)) throw new MalformedIdempotencyKey();
  return key;
}

/** SHA-256 of the body with its members in order. */
export function fingerprintOf(body: unknown): Buffer {
  return createHash('sha256')
    .update(canonicalJson(body ?? null))
    .digest();
}

type Request = FastifyRequest & { principal?: Principal };

interface Repeatable {
  scope: string;
  headersOf: (body: never, request: Request) => Fields;
}

/**
 * A request as a call that may be repeated; null: it carries no `Idempotency-Key`.
 * @throws MalformedIdempotencyKey
 */
export function idempotentCallOf(request: Request, { scope, headersOf }: Repeatable): IdempotentCall | null {
  const key = parseIdempotencyKey(request.headers['idempotency-key']);
  if (key === null) return null;
  const { principal, params, body } = request;
  return {
    userId: principal?.userId ?? null,
    subject: String(principal?.userId ?? (body as { email?: unknown } | null)?.email).toLowerCase(),
    scope,
    key,
    content: [params, body ?? null],
    bounded: principal?.isAdmin === false,
    headersOf: (answer) => headersOf(answer as never, request),
  };
}

const CallOf = createParamDecorator((repeatable: Repeatable, context: ExecutionContext): IdempotentCall | null =>
  idempotentCallOf(context.switchToHttp().getRequest<Request>(), repeatable),
);

/**
 * The call as one that may be repeated, or null when it carries no `Idempotency-Key`; the route is then declared to be `Repeatable`. `headersOf` gives the fields of the
 * answer's header that follow from its body.
 */
export const MaybeRetried =
  <T = unknown>(scope: string, headersOf: (body: T, request: Request) => Fields = () => ({})): ParameterDecorator =>
  (target, method, index) => {
    CallOf({ scope, headersOf })(target, method, index);
    const descriptor = Object.getOwnPropertyDescriptor(target, method as string) as PropertyDescriptor;
    Repeatable()(target, method as string, descriptor);
  };
