import { getMetadataStorage, ValidationTypes } from 'class-validator';

type Check = (value: unknown) => boolean;

/**
 * A quick yes for bodies, made from the class-validator decorators of a DTO: true means that class-validator would find
 * nothing; false means ask it. Null when a decorator is used that is not known here. class-validator takes longer to
 * look its metadata up than the whole of this takes, and a test holds the two together.
 */
export function compileQuickCheck(dto: new () => object): Check | null {
  const storage = getMetadataStorage();
  const metadata = storage.getTargetValidationMetadatas(dto, '', false, false);
  const fields = new Map<string, { optional: boolean; checks: Check[] }>();
  for (const { type, name, propertyName, constraints, each, groups, validateIf } of metadata) {
    const field = fields.get(propertyName) ?? { optional: false, checks: [] };
    fields.set(propertyName, field);
    if (type === ValidationTypes.CONDITIONAL_VALIDATION && name === 'isOptional') field.optional = true;
    else if (type !== ValidationTypes.WHITELIST) {
      const check = KNOWN[name ?? '']?.(constraints as [never]);
      if (check === undefined || each || groups?.length || validateIf !== undefined) return null;
      field.checks.push(check);
    }
  }
  return (body) => {
    for (const name in body as object) {
      const field = fields.get(name);
      if (field === undefined) return false;
    }
    for (const [name, { optional, checks }] of fields) {
      const value = (body as Record<string, unknown>)[name];
      if (optional && (value === undefined || value === null)) continue;
      for (const check of checks) if (!check(value)) return false;
    }
    return true;
  };
}

/** The decorators that the hot routes use; each does what class-validator's own does, for values that come from JSON. */
const KNOWN: Record<string, (constraints: [never]) => Check> = {
  isString: () => (value) => typeof value === 'string',
  isInt: () => (value) => Number.isInteger(value),
  isBoolean: () => (value) => typeof value === 'boolean',
  isObject: () => (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  min:
    ([min]) =>
    (value) =>
      typeof value === 'number' && value >= min,
  max:
    ([max]) =>
    (value) =>
      typeof value === 'number' && value <= max,
  minLength:
    ([min]) =>
    (value) =>
      typeof value === 'string' && value.length >= min * 2,
  maxLength:
    ([max]) =>
    (value) =>
      typeof value === 'string' && value.length <= max,
  matches:
    ([pattern]) =>
    (value) =>
      typeof value === 'string' && (pattern as RegExp).test(value),
};
