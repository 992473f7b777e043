import { getMetadataStorage } from 'class-validator';
import { SHOWN_ERRORS } from './problem';

type Dto = new () => object;

/** What a DTO declares of itself, as far as it bounds the work of checking a body. */
interface Bounds {
  names: ReadonlySet<string>;
  /** Characters or items that a field takes at most. */
  lengths: ReadonlyMap<string, number>;
}

const INHERITED = Object.getOwnPropertyNames(Object.prototype);
const boundsByDto = new Map<Dto, Bounds>();

/** `constructor` and the like among an object's own names: class-validator looks rules up by name in plain objects, where every object has these. */
export function inheritedNames(value: object): string[] {
  return INHERITED.filter((name) => Object.hasOwn(value, name));
}

/** The object's names that the DTO does not know, as many of them as are shown. */
export function unknownNames(dto: Dto, value: object): string[] {
  const { names } = boundsOf(dto);
  const unknown: string[] = [];
  // No list of all names is made: there may be tens of thousands.
  for (const name in value) {
    if (names.has(name)) continue;
    unknown.push(name);
    if (unknown.length >= SHOWN_ERRORS) break;
  }
  return unknown;
}

/**
 * The object's fields with each that is too long cut to a little more than it may be, which breaks the same rule. Otherwise
 * class-validator runs every rule of the field over all of it, uniqueness in its square, patterns and mail addresses by theirs.
 * Characters are counted as PostgreSQL does.
 */
export function cutToBounds<T extends object>(dto: Dto, value: T): T {
  const { lengths } = boundsOf(dto);
  const fields = { ...value } as Record<string, unknown>;
  for (const [name, max] of lengths) {
    const field = fields[name];
    if (Array.isArray(field)) fields[name] = field.length > max ? (field.slice(0, max + 1) as unknown[]) : field;
    else if (typeof field === 'string' && isLonger(field, max)) fields[name] = field.slice(0, max) + 'x'.repeat(max + 1);
  }
  return fields as T;
}

/** class-validator counts no variation selectors: with thousands of them a name of one letter would be of length 1. */
function isLonger(text: string, max: number): boolean {
  return text.length > max && (text.length > 2 * max || [...text].length > max);
}

function boundsOf(dto: Dto): Bounds {
  let bounds = boundsByDto.get(dto);
  if (bounds === undefined) {
    const metadata = getMetadataStorage().getTargetValidationMetadatas(dto, '', false, false);
    const lengths = metadata.flatMap(({ name, propertyName, constraints, each }) =>
      (name === 'maxLength' || name === 'arrayMaxSize') && !each ? [[propertyName, (constraints as [number])[0]] as const] : [],
    );
    bounds = { names: new Set(metadata.map(({ propertyName }) => propertyName)), lengths: new Map(lengths) };
    boundsByDto.set(dto, bounds);
  }
  return bounds;
}
