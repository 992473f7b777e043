import { type TierFormsDto } from './dto/tier-forms.dto';
import { assertEitherOr } from './either-or';
import { assertInFlightByType } from './in-flight-by-type';
import { assertLimits } from './limits';
import { assertOverage } from './overage';
import { assertRollover } from './rollover';

/** @throws ValidationProblem naming what within a plan's forms is wrong, or contradicts another part */
export function assertForms(dto: TierFormsDto & { dailyQuota?: number | null; unlimited?: boolean }): void {
  assertEitherOr(dto);
  assertOverage(dto.overage);
  assertRollover(dto.rollover);
  assertInFlightByType(dto);
  assertLimits(dto.limits);
}
