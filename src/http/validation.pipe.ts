import { type ArgumentMetadata, Injectable, type PipeTransform } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { validateSync, type ValidationError } from 'class-validator';
import { cutToBounds, inheritedNames, unknownNames } from './bounded-checks';
import { compileQuickCheck } from './compiled-checks';
import { foldDeepObjects } from './deep-object';
import { pointerPart } from './json-pointer';
import { type FieldError, SHOWN_ERRORS, ValidationProblem } from './problem';

type Dto = new () => object;
const NATIVE: unknown[] = [String, Boolean, Number, Array, Object, undefined];

const RULES = {
  whitelist: true,
  forbidNonWhitelisted: true,
  validationError: { target: false },
} as const;

/**
 * Checks bodies and queries against the class-validator decorators of their DTO; unknown fields are refused. Bodies are
 * JSON and typed already: they need no class-transformer, and most pass a compiled check before class-validator is
 * asked, which together cost more than the rest of the hot route. Queries are text: class-transformer runs the DTO's `@Transform`s.
 */
@Injectable()
export class ValidationPipe implements PipeTransform {
  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    if ((type !== 'body' && type !== 'query') || NATIVE.includes(metatype)) return value;
    return type === 'body' ? checkBody(metatype as Dto, value) : checkQuery(metatype as Dto, value);
  }
}

/** @throws ValidationProblem naming every field that is wrong. */
export function checkBody<T extends object>(dto: new () => T, value: unknown): T {
  assertObject(value);
  if (quickCheckOf(dto)?.(value)) return value as T;
  assertNames(dto, value, '#');
  return check(Object.assign(new dto(), cutToBounds(dto, value)), '#');
}

/** Of a route that takes no body: an empty object holds nothing, and may come. @throws ValidationProblem naming every member */
export function assertNoMembers(value: unknown): void {
  assertObject(value);
  refuseNames(unknownNames(Object, value), '#');
}

function assertObject(value: unknown): asserts value is object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return;
  throw new ValidationProblem([{ pointer: '#', detail: 'must be a JSON object', code: 'is-object' }]);
}

const quickChecks = new Map<Dto, ReturnType<typeof compileQuickCheck>>();

function quickCheckOf(dto: Dto): ReturnType<typeof compileQuickCheck> {
  let quickCheck = quickChecks.get(dto);
  if (quickCheck === undefined) {
    quickCheck = compileQuickCheck(dto);
    quickChecks.set(dto, quickCheck);
  }
  return quickCheck;
}

function checkQuery(dto: Dto, given: unknown): object {
  const value = foldDeepObjects(dto, given as object);
  assertNames(dto, value, '#/query');
  const unstorable = Object.entries(given as object).find(([name, text]) => `${name}${String(text)}`.includes('\0'));
  if (unstorable)
    throw new ValidationProblem([{ pointer: `#/query/${pointerPart(unstorable[0])}`, detail: 'contains the character U+0000', code: 'nul-character' }]);
  // Objects have members of any name, which class-transformer would look for rules by: `constructor` is one that it falls over.
  const members = Object.entries(cutToBounds(dto, value));
  const [objects, texts] = [true, false].map((nested) => Object.fromEntries(members.filter(([, one]) => isMembers(one) === nested)));
  return check(Object.assign(plainToInstance(dto, texts), objects), '?');
}

const isMembers = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What is wrong with the names alone, before anything is copied or looked through. */
function assertNames(dto: Dto, value: object, root: string): void {
  const inherited = inheritedNames(value);
  const wrong = inherited.length > 0 ? inherited : unknownNames(dto, value);
  if (inherited.length === 0 && wrong.length < SHOWN_ERRORS) return;
  refuseNames(wrong, root);
}

function refuseNames(names: string[], root: string): void {
  if (names.length === 0) return;
  throw new ValidationProblem(names.map((name) => ({ pointer: `${root}/${pointerPart(name)}`, detail: 'is not a known field', code: 'unknown-field' })));
}

function check<T extends object>(instance: T, root: string): T {
  const errors = validateSync(instance, RULES);
  if (errors.length > 0) throw new ValidationProblem(errors.flatMap((error) => fieldErrors(error, root)));
  return instance;
}

function fieldErrors(error: ValidationError, parent: string): FieldError[] {
  const name = pointerPart(error.property);
  const pointer = parent === '?' ? `#/query/${name}` : `${parent}/${name}`;
  const own = clearest(Object.entries(error.constraints ?? {})).map(([rule, message]) => ({
    pointer,
    detail:
      error.value === undefined && rule !== 'whitelistValidation'
        ? 'is missing'
        : rule === 'whitelistValidation'
          ? 'is not a known field'
          : withoutName(message, error.property),
    code: rule === 'whitelistValidation' ? 'unknown-field' : rule.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`),
  }));
  return own.concat((error.children ?? []).flatMap((child) => fieldErrors(child, pointer)));
}

/** The pointer names the field: what begins with its name goes on without. `each value in scopes must be …` keeps it. */
function withoutName(message: string, name: string): string {
  return message.startsWith(`${name} `) ? message.slice(name.length + 1) : message;
}

/** Rules about the kind of a value. What else is wrong with one of the wrong kind misleads: `abc` is not too large a number. */
const KINDS = ['whitelistValidation', 'isArray', 'isBoolean', 'isInt', 'isObject', 'isString'];

/** One for each field. */
function clearest(broken: [rule: string, message: string][]): [rule: string, message: string][] {
  return [broken.find(([rule]) => KINDS.includes(rule)) ?? broken[0]].filter((one) => one !== undefined);
}
