import { namesTag } from '../http/etag';
import { type SettingDefinition } from './setting-definitions';
import { PreconditionRequired, StaleVersion } from '../http/http.errors';
import { type SystemState } from './system-settings.repository';

export interface Preconditions {
  ifMatch?: string;
  ifNoneMatch?: string;
}

/** What the preconditions are held against: its entity tag, whether it can be read, and whether it was ever written. */
export interface Current {
  etag: string;
  /** A default is there to be read without having been written. */
  readable: boolean;
  written: boolean;
}

/**
 * Whether a write may go on (RFC 9110, section 13.2.2): settings are never written blindly.
 *
 * @throws PreconditionRequired 428 without a precondition, StaleVersion 412 when one does not hold
 */
export function assertPreconditions({ ifMatch, ifNoneMatch }: Preconditions, current: Current): void {
  if (ifMatch === undefined && ifNoneMatch === undefined) throw new PreconditionRequired(current.etag);
  assertGivenPreconditions({ ifMatch, ifNoneMatch }, current);
}

/** The same where preconditions are optional. @throws StaleVersion */
export function assertGivenPreconditions({ ifMatch, ifNoneMatch }: Preconditions, { etag, readable, written }: Current): void {
  if (ifMatch !== undefined && !(ifMatch.trim() === '*' ? readable : namesTag(ifMatch, etag))) throw new StaleVersion(etag);
  if (ifNoneMatch !== undefined && (ifNoneMatch.trim() === '*' ? written : namesTag(ifNoneMatch, etag))) throw new StaleVersion(etag);
}

/** The entity tag of a system setting: its version. */
export function systemEtag(version: number): string {
  return `"${version}"`;
}

export function currentOf({ state, current }: { state: SystemState; current: SettingDefinition | null }): Current {
  return { etag: systemEtag(state.version), readable: current !== null, written: state.row !== null };
}
