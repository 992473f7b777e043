/** A number as JSON.stringify writes it once it is very large or very small. In a text it may stand too: then it is looked at closer. */
const EXPONENT = /\de[+-]\d/;

/**
 * How many bytes a JSON value takes when the database writes it out. `jsonb` keeps a number as a decimal and spells every
 * zero: `1e308` has 5 bytes here and 309 there, and a payload of them, within its bound, would make lists of megabytes.
 *
 * @param json the value as JSON.stringify wrote it
 */
export function storedBytes(value: unknown, json: string): number {
  return Buffer.byteLength(json) + (EXPONENT.test(json) ? zerosOf(value) : 0);
}

/** The zeros that exponents stand for, in all of the value: at most 32 levels of it, by the bound on bodies. */
function zerosOf(value: unknown): number {
  if (typeof value === 'number') return Math.abs(Number(String(value).split('e')[1] ?? 0));
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce((sum: number, member) => sum + zerosOf(member), 0);
}
