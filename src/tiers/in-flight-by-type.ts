import { MAX_INTEGER } from '../common/limits';
import { ValidationProblem } from '../http/problem';

const TYPE = /^[a-z0-9][a-z0-9._-]{0,49}$/;
const MAX_TYPES = 50;

/** @throws ValidationProblem that names the type whose number is none, or that is no type of requests */
export function assertInFlightByType({ maxInFlightByType }: { maxInFlightByType?: Record<string, number> | null }): void {
  const entries = Object.entries(maxInFlightByType ?? {});
  const pointer = '#/maxInFlightByType';
  if (entries.length > MAX_TYPES) throw new ValidationProblem([{ pointer, detail: `has more than ${MAX_TYPES} types`, code: 'too-many' }]);
  const wrong = entries.flatMap(([type, units]) => {
    const at = `${pointer}/${type.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (!TYPE.test(type)) return [{ pointer: at, detail: 'is no type of requests', code: 'no-such-type' }];
    if (Number.isInteger(units) && units >= 1 && units <= MAX_INTEGER) return [];
    return [{ pointer: at, detail: `must be an integer from 1 to ${MAX_INTEGER}`, code: 'is-int' }];
  });
  if (wrong.length > 0) throw new ValidationProblem(wrong);
}
