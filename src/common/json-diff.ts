/** One place in which two JSON values differ; undefined: the place is not there. */
export interface JsonChange {
  pointer: string;
  before?: unknown;
  after?: unknown;
}

/** Where two JSON values differ, member by member; arrays are compared as wholes. */
export function jsonDiff(before: unknown, after: unknown, pointer = '#'): JsonChange[] {
  if (isObject(before) && isObject(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return names.flatMap((name) => jsonDiff(own(before, name), own(after, name), `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`));
  }
  return sameJson(before, after) ? [] : [{ pointer, before, after }];
}

/** Whether two JSON values are equal; the order of members does not count. */
export function sameJson(a: unknown, b: unknown): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

/** JSON with its members in order, so that equal values give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (isObject(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part));
}

/** Not what every object inherits: `constructor` is a name like any other. */
function own(object: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
