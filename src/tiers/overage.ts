import { MAX_INTEGER } from '../common/limits';
import { type FieldError, ValidationProblem } from '../http/problem';

/** @throws ValidationProblem naming the member of `overage` that is wrong */
export function assertOverage(overage: object | null | undefined, pointer = '#/overage'): void {
  const errors: FieldError[] = [];
  for (const [name, value] of Object.entries(overage ?? {})) {
    if (name !== 'max') errors.push({ pointer: `${pointer}/${name}`, detail: 'is not known here', code: 'unknown-field' });
    else if (!isUnits(value)) errors.push({ pointer: `${pointer}/max`, detail: `must be a whole number from 0 to ${MAX_INTEGER}`, code: 'is-int' });
  }
  if (errors.length > 0) throw new ValidationProblem(errors);
}

function isUnits(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_INTEGER;
}
