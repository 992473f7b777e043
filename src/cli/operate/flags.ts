import { InvalidArgumentError, Option } from 'commander';
import { readFileSync } from 'node:fs';
import { type Schema } from './operations';

const AGO = /^([+-])(\d{1,6})([smhdw])$/;
const UNIT_MS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const USER = 'userId';

/** The flag of a member of a call, such as `--daily-quota <number>`. */
export function optionsOf(name: string, schema: Schema, description = schema.description ?? ''): Option[] {
  const flag = `--${flagNameOf(name)}`;
  const types = typesOf(schema);
  const empty = types.includes('null') ? ' `none`: without.' : '';
  const about = `${description.replaceAll(/\s+/g, ' ')}${empty}`.trim();
  const option = (value: string, parse: (text: string) => unknown, hint = '') =>
    new Option(`${flag} <${value}>`, `${about}${hint && about ? ' ' : ''}${hint}`).argParser((text: string) => (empty && text === 'none' ? null : parse(text)));
  if (name === USER) return [option('user', String, 'An id, an e-mail address, or external:<id>.')];
  if (types.includes('boolean')) return [new Option(flag, about), new Option(`--no-${flagNameOf(name)}`, '')];
  const values = schema.enum?.filter((value) => value !== null).map(String);
  if (values) return [option('value', oneOf(values), `One of ${values.join(', ')}.`)];
  if (types.includes('integer') || types.includes('number'))
    return [option('number', number(schema, types.includes('integer') && name !== 'quotaUsedAtLeast'))];
  if (types.includes('array') && schema.items?.type === 'object')
    return [option('json', jsonList, 'A JSON list of objects, @<file>, or - for standard input.')];
  if (types.includes('array')) return [option('list', (text) => text.split(',').map((part) => part.trim()), 'Separated by commas.')];
  if (types.includes('object')) return [option('json', jsonObject, 'A JSON object, @<file>, or - for standard input.')];
  if (/(At|since|until)$/i.test(name) && name !== 'dayStartsAt') return [option('instant', instant, 'ISO 8601, or +2h, -30m, -7d from now.')];
  return types.includes('string') ? [option('text', String)] : [option('value', anyValue)];
}

/** Users are named, so their flag is `--user`. */
export function flagNameOf(name: string): string {
  return name === USER ? 'user' : name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** JSON, a text that is none, `@<file>`, or `-` for standard input. @throws InvalidArgumentError */
export function anyValue(text: string): unknown {
  const whole = textOf(text);
  try {
    return JSON.parse(whole, exact) as unknown;
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw error;
    if (/^\s*[[{"]/.test(whole)) throw new InvalidArgumentError(`It is no JSON: ${(error as Error).message}.`);
    return whole;
  }
}

/** As a value of the schema: an argument is checked as a flag would be. */
export function valueOf(name: string, schema: Schema): (text: string) => unknown {
  if (typesOf(schema).length === 0) return anyValue;
  const [option] = optionsOf(name, schema);
  return (text) => option?.parseArg?.(text, undefined);
}

function typesOf({ type, anyOf, oneOf: choices }: Schema): string[] {
  return [type ?? [], ...(anyOf ?? choices ?? []).map(typesOf)].flat();
}

function number({ minimum = -Infinity, maximum = Infinity }: Schema, whole: boolean) {
  return (text: string): number => {
    const value = /^-?\d{1,15}(\.\d{1,6})?$/.test(text) ? Number(text) : NaN;
    if (value >= minimum && value <= maximum && (!whole || Number.isInteger(value))) return value;
    const bounds = minimum === -Infinity ? '' : ` of at least ${minimum}`;
    throw new InvalidArgumentError(`It must be a ${whole ? 'whole ' : ''}number${bounds}${maximum === Infinity ? '' : ` and at most ${maximum}`}.`);
  };
}

function oneOf(values: string[]) {
  return (text: string): string => {
    if (values.includes(text)) return text;
    throw new InvalidArgumentError(`It must be one of ${values.join(', ')}.`);
  };
}

function instant(text: string): string {
  const [, sign, amount, unit = ''] = AGO.exec(text) ?? [];
  if (sign !== undefined) return new Date(Date.now() + Number(`${sign}${amount}`) * (UNIT_MS[unit] ?? 0)).toISOString();
  if (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(Date.parse(text))) return text;
  throw new InvalidArgumentError('It must be an instant such as 2026-12-01T08:00:00Z, or +2h, -30m, -7d from now.');
}

function jsonObject(text: string): unknown {
  const value = anyValue(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new InvalidArgumentError('It must be a JSON object.');
}

function jsonList(text: string): unknown {
  const value = anyValue(text);
  if (Array.isArray(value)) return value;
  throw new InvalidArgumentError('It must be a JSON list.');
}

function exact(_key: string, value: unknown): unknown {
  const rounded = typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < 1e21;
  if (rounded) throw new InvalidArgumentError('It has a number that cannot be held exactly; write it as a text.');
  return value;
}

function textOf(text: string): string {
  if (text !== '-' && !text.startsWith('@')) return text;
  try {
    return readFileSync(text === '-' ? 0 : text.slice(1), 'utf8').trimEnd();
  } catch (error) {
    throw new InvalidArgumentError(`It cannot be read: ${(error as Error).message}.`);
  }
}
