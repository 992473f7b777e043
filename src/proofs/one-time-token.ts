import { createHash, randomBytes } from 'node:crypto';

const PREFIX = 'qto_';
const FORMAT = /^qto_[A-Za-z0-9_-]{43}$/;

/** 256 bits that nobody guesses. */
export function makeOneTimeToken(): string {
  return PREFIX + randomBytes(32).toString('base64url');
}

/** Null for what is no such token. */
export function hashOneTimeToken(token: string): Buffer | null {
  return FORMAT.test(token) ? createHash('sha256').update(token).digest() : null;
}
