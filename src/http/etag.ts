import { createHash } from 'node:crypto';
import { StaleVersion } from './http.errors';

/** A strong entity tag (RFC 9110, section 8.8.3) of a representation: equal answers, equal tags. */
export function etagOf(representation: unknown): string {
  return `"${createHash('sha256').update(JSON.stringify(representation)).digest('base64url').slice(0, 22)}"`;
}

/**
 * Whether a list of entity tags names this one. A weak one counts: a proxy that compresses an answer weakens its tag, and
 * whoever edits behind such a proxy has no other.
 */
export function namesTag(tags: string, current: string): boolean {
  return tags.split(',').some((tag) => tag.trim().replace(/^W\//, '') === current);
}

/** Whether an `If-Match` value allows the change; absent allows it where the precondition is optional. */
export function assertMatch(ifMatch: string | undefined, current: string): void {
  if (ifMatch === undefined || ifMatch.trim() === '*') return;
  if (namesTag(ifMatch, current)) return;
  throw new StaleVersion(current);
}
