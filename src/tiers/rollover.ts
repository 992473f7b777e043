import { MAX_INTEGER } from '../common/limits';
import { type FieldError, ValidationProblem } from '../http/problem';

const isWhole = (value: unknown, max: number): boolean => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= max;

/** What each member must be. */
const MEMBERS: Readonly<Record<string, readonly [is: (value: unknown) => boolean, detail: string]>> = {
  max: [(value) => isWhole(value, MAX_INTEGER), `must be a whole number from 1 to ${MAX_INTEGER}`],
  share: [(value) => typeof value === 'number' && value > 0 && value <= 1, 'must be a number above 0 and up to 1'],
  days: [(value) => isWhole(value, 31), 'must be a whole number from 1 to 31'],
};

/** @throws ValidationProblem naming the members of `rollover` that are wrong */
export function assertRollover(rollover: object | null | undefined): void {
  if (rollover == null) return;
  const errors: FieldError[] = Object.keys(rollover)
    .filter((name) => !(name in MEMBERS))
    .map((name) => ({ pointer: `#/rollover/${name}`, detail: 'is not known here', code: 'unknown-field' }));
  for (const [name, [is, detail]] of Object.entries(MEMBERS)) {
    const value = (rollover as Record<string, unknown>)[name];
    if ((value !== undefined || name === 'days') && !is(value)) errors.push({ pointer: `#/rollover/${name}`, detail, code: 'out-of-range' });
  }
  if (errors.length > 0) throw new ValidationProblem(errors);
}
