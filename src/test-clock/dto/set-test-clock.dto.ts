import { IsInt, IsOptional, Max, Min } from 'class-validator';
import { IsInstant } from '../../common/is-instant';
import { IsReason } from '../../common/is-reason';

/** Ten years. */
const MAX_ADVANCE_SECONDS = 315_360_000;

export class SetTestClockDto {
  /** What the clock shows from now on, from 2000 and before 2100; it goes on from there. Earlier than it shows is possible too. */
  @IsOptional()
  @IsInstant()
  now?: string;

  /** Seconds by which it goes forward. One of the two is needed. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_ADVANCE_SECONDS)
  advance?: number;

  /** Why; kept in the audit log. */
  @IsReason()
  reason?: string;
}
