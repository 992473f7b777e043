import { ValidationProblem } from '../http/problem';

/** A number of units beside `unlimited` means two things: whoever sends both is asked which one. @throws ValidationProblem */
export function assertEitherOr({ dailyQuota, unlimited }: { dailyQuota?: number | null; unlimited?: boolean }): void {
  if (unlimited !== true || dailyQuota == null) return;
  throw new ValidationProblem([{ pointer: '#/dailyQuota', detail: 'is a number beside `unlimited`: give one of the two', code: 'either-or' }]);
}
