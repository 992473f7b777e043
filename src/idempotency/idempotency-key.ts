import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { createHash } from 'node:crypto';
import { canonicalJson } from '../common/json-diff';
import { type Principal } from '../common/principal';
import { MalformedIdempotencyKey } from './idempotency.errors';

/** A call that may be a retry: its key, and what tells it from another call under the same key. */
export interface IdempotentCall {
  userId: number;
  /** The operation; a key used on two routes is two keys. */
  scope: string;
  key: string;
  fingerprint: Buffer;
}

const VISIBLE = /^[\x21-\x7e]{1,255}$/;
/** 255 characters with a backslash before each, and the quotes. */
const LONGEST_FIELD = 512;

/**
 * The value of an `Idempotency-Key` field: bare, or as the structured-field string of
 * draft-ietf-httpapi-idempotency-key-header-07.
 *
 * @throws MalformedIdempotencyKey
 */
export function parseIdempotencyKey(field: string | string[] | undefined): string | null {
  if (field === undefined) return null;
  if (Array.isArray(field) || field.length > LONGEST_FIELD) throw new MalformedIdempotencyKey();
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

/** The call as one that may be repeated, or null when it carries no `Idempotency-Key`. */
export const MaybeRetried = createParamDecorator((scope: string, context: ExecutionContext): IdempotentCall | null => {
  const request = context.switchToHttp().getRequest<FastifyRequest & { principal: Principal }>();
  const key = parseIdempotencyKey(request.headers['idempotency-key']);
  if (key === null) return null;
  // A fast hash of a password, or of the value of a secret setting, is as good as the secret: it stays out.
  const { password: _, value: __, ...body } = (request.body ?? {}) as Record<string, unknown>;
  const fingerprint = fingerprintOf([request.params, body]);
  return { userId: request.principal.userId, scope, key, fingerprint };
});
