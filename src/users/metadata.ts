import { storedBytes } from '../common/stored-size';
import { ValidationProblem } from '../http/problem';

export type Metadata = Record<string, unknown>;

export const MAX_METADATA_MEMBERS = 50;
export const MAX_METADATA_BYTES = 8_192;

/** A JSON merge patch (RFC 7396) of the metadata: null removes a member, an object is merged, anything else replaces. */
export function mergedMetadata(current: Metadata, patch: Metadata): Metadata {
  return merged(current, patch) as Metadata;
}

/** By its own names only, so that `__proto__` is a name like any other. As deep as a body is, at most 32 levels. */
function merged(current: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const members = new Map(isObject(current) ? Object.entries(current) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) members.delete(name);
    else members.set(name, merged(members.get(name), value));
  }
  return Object.fromEntries(members);
}

/** @throws ValidationProblem for more than 50 members or 8,192 bytes */
export function assertMetadata(metadata: Metadata): void {
  const members = Object.keys(metadata).length;
  if (members > MAX_METADATA_MEMBERS) refuse(`would have ${members} members, of at most ${MAX_METADATA_MEMBERS}`, 'too-many-members');
  const bytes = storedBytes(metadata, JSON.stringify(metadata));
  if (bytes > MAX_METADATA_BYTES) refuse(`would be of ${bytes} bytes, of at most ${MAX_METADATA_BYTES}`, 'too-large');
}

/**
 * The metadata that a filter `name=text` of a query may mean: a query knows no types, so `5` is the text and the number. At most
 * two for each member; each account's metadata can hold one of them.
 */
export function metadataAlternatives(filter: Record<string, string>): Metadata[] {
  return Object.entries(filter).reduce<Metadata[]>(
    (made, [name, text]) => made.flatMap((members) => meanings(text).map((value) => Object.fromEntries([...Object.entries(members), [name, value]]))),
    [{}],
  );
}

function meanings(text: string): unknown[] {
  return /^(true|false|-?(0|[1-9]\d{0,14})(\.\d{1,15})?)$/.test(text) ? [text, JSON.parse(text)] : [text];
}

function refuse(detail: string, code: string): never {
  throw new ValidationProblem([{ pointer: '#/metadata', detail, code }]);
}

function isObject(value: unknown): value is Metadata {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
