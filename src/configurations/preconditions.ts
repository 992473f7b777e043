import { PreconditionRequired, StaleVersion } from './configurations.errors';

export interface Preconditions {
  ifMatch?: string;
  ifNoneMatch?: string;
}

/**
 * Whether a write may go on: settings are never written blindly.
 *
 * @param exists whether there is something to replace; `If-None-Match: *` asks that there is not.
 * @throws PreconditionRequired 428 without a precondition, StaleVersion 412 when it does not hold
 */
export function assertPrecondition({ ifMatch, ifNoneMatch }: Preconditions, etag: string, exists: boolean): void {
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch.trim() === '*' && !exists) return;
    throw new StaleVersion(etag);
  }
  if (ifMatch === undefined) throw new PreconditionRequired(etag);
  if (ifMatch.trim() === '*' ? exists : ifMatch.split(',').some((tag) => tag.trim() === etag)) return;
  throw new StaleVersion(etag);
}
