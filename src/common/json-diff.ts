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

/** JSON with its members in order, so that equal values give equal text. Indices come first, as every object has them. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) {
    let items = '';
    for (const item of value) items += `${items === '' ? '' : ','}${canonicalJson(item ?? null)}`;
    return `[${items}]`;
  }
  if (!isObject(value) || typeof value.toJSON === 'function') return JSON.stringify(value);
  let members = '';
  for (const name of orderedNames(value)) {
    if (value[name] !== undefined) members += `${members === '' ? '' : ','}${JSON.stringify(name)}:${canonicalJson(value[name])}`;
  }
  return `{${members}}`;
}

/** An object keeps indices before all else, in the order of numbers. */
function orderedNames(value: object): string[] {
  const names = Object.keys(value);
  if (names.length < 2) return names;
  const others = names.findIndex((name) => !isIndex(name));
  return others === -1 ? names : [...names.slice(0, others), ...names.slice(others).sort()];
}

function isIndex(name: string): boolean {
  return /^(?:0|[1-9]\d{0,9})$/.test(name) && Number(name) < 4_294_967_295;
}

/** Not what every object inherits: `constructor` is a name like any other. */
function own(object: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
