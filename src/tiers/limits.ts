import { MAX_INTEGER } from '../common/limits';
import { type FieldError, ValidationProblem } from '../http/problem';
import { type Limit, LIMIT_PERIODS } from '../ledger/entities/quota-limit-usage.entity';

const NAME = /^[a-z0-9][a-z0-9._-]{0,29}$/;
const TYPE = /^[a-z0-9][a-z0-9._-]{0,49}$/;
const MAX_LIMITS = 10;
const MAX_TYPES = 50;
/** What rate-limit fields and refusals call other limits. */
const NAMES_OF_OTHERS = ['daily', 'key', 'burst', 'in-flight'];
const MEMBERS = ['name', 'period', 'units', 'types'];

/** @throws ValidationProblem naming each member that is wrong, or contradicts another limit of the plan */
export function assertLimits(limits: readonly unknown[] | null | undefined, pointer = '#/limits'): void {
  if (limits === null || limits === undefined) return;
  if (limits.length > MAX_LIMITS) throw new ValidationProblem([{ pointer, detail: `has more than ${MAX_LIMITS} limits`, code: 'too-many' }]);
  const errors = limits.flatMap((limit, i) => wrongOf(limit, `${pointer}/${i}`));
  if (errors.length > 0) throw new ValidationProblem(errors);
  const contradictions = (limits as readonly Limit[]).flatMap((limit, i, all) => contradictionOf(limit, all.slice(0, i), `${pointer}/${i}`));
  if (contradictions.length > 0) throw new ValidationProblem(contradictions);
}

function wrongOf(limit: unknown, pointer: string): FieldError[] {
  if (typeof limit !== 'object' || limit === null || Array.isArray(limit)) return [{ pointer, detail: 'must be an object', code: 'is-object' }];
  const { name, period, units, types } = limit as Record<string, unknown>;
  const errors: FieldError[] = Object.keys(limit)
    .filter((member) => !MEMBERS.includes(member))
    .map((member) => ({ pointer: `${pointer}/${member.replaceAll('~', '~0').replaceAll('/', '~1')}`, detail: 'is not known here', code: 'unknown-field' }));
  if (typeof name !== 'string' || !NAME.test(name))
    errors.push({ pointer: `${pointer}/name`, detail: 'must be 1 to 30 of a-z, 0-9, dot, dash and underscore', code: 'matches' });
  else if (NAMES_OF_OTHERS.includes(name)) errors.push({ pointer: `${pointer}/name`, detail: 'is the name of a limit that every plan has', code: 'reserved' });
  if (!(LIMIT_PERIODS as readonly unknown[]).includes(period))
    errors.push({ pointer: `${pointer}/period`, detail: `must be one of ${LIMIT_PERIODS.join(', ')}`, code: 'is-in' });
  if (!Number.isInteger(units) || (units as number) < 1 || (units as number) > MAX_INTEGER)
    errors.push({ pointer: `${pointer}/units`, detail: `must be an integer from 1 to ${MAX_INTEGER}`, code: 'is-int' });
  if (types !== undefined) errors.push(...wrongTypes(types, `${pointer}/types`));
  return errors;
}

function wrongTypes(types: unknown, pointer: string): FieldError[] {
  if (!Array.isArray(types) || types.length === 0 || types.length > MAX_TYPES)
    return [{ pointer, detail: `must be a list of 1 to ${MAX_TYPES} types of requests; left out: all`, code: 'is-array' }];
  return types.flatMap((type: unknown, i) => {
    if (typeof type !== 'string' || !TYPE.test(type)) return [{ pointer: `${pointer}/${i}`, detail: 'is no type of requests', code: 'no-such-type' }];
    return types.indexOf(type) === i ? [] : [{ pointer: `${pointer}/${i}`, detail: 'is there twice', code: 'duplicate' }];
  });
}

/** Two of one name, two of one period for the same types, or one that can never hold because a shorter period has more units. */
function contradictionOf(limit: Limit, before: readonly Limit[], pointer: string): FieldError[] {
  if (before.some(({ name }) => name === limit.name)) return [{ pointer: `${pointer}/name`, detail: 'is the name of another limit', code: 'duplicate' }];
  for (const other of before.filter((one) => typesOf(one) === typesOf(limit))) {
    const longer = LIMIT_PERIODS.indexOf(limit.period) - LIMIT_PERIODS.indexOf(other.period);
    if (longer === 0) return [{ pointer: `${pointer}/period`, detail: `is that of “${other.name}”, for the same types`, code: 'duplicate' }];
    if (longer > 0 ? limit.units < other.units : limit.units > other.units)
      return [
        { pointer: `${pointer}/units`, detail: `contradicts “${other.name}”: a shorter period cannot have more units than a longer one`, code: 'contradicts' },
      ];
  }
  return [];
}

function typesOf({ types }: Limit): string {
  return [...(types ?? [])].sort().join();
}
