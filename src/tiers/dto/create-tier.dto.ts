import { IsBoolean, IsInt, IsOptional, Matches, Max, Min, ValidateIf } from 'class-validator';
import { IsReason } from '../../common/is-reason';
import { MAX_INTEGER } from '../../common/limits';
import { TierFormsDto } from './tier-forms.dto';

export const MAX_QUOTA = MAX_INTEGER;
/** Never digits alone: in a path those are an id. */
export const TIER_NAME = /^(?!\d+$)[a-z0-9][a-z0-9._-]{0,49}$/;

export class CreateTierDto extends TierFormsDto {
  /** What users carry in `tier`. */
  @Matches(TIER_NAME, { message: 'name must be 1 to 50 of a-z, 0-9, dot, dash and underscore, and not digits alone' })
  name: string;

  /** Units a day; left out or null when unlimited. Zero means none. */
  @ValidateIf((tier: CreateTierDto) => tier.unlimited !== true || tier.dailyQuota != null)
  @IsInt()
  @Min(0)
  @Max(MAX_QUOTA)
  dailyQuota?: number | null;

  @IsOptional()
  @IsBoolean()
  unlimited?: boolean;

  /** Whether its quota is tried out: what it would refuse is admitted and counted. */
  @IsOptional()
  @IsBoolean()
  shadow?: boolean;

  /** Where the tier stands in lists: small first. */
  @IsOptional()
  @IsInt()
  @Min(-1_000_000)
  @Max(1_000_000)
  sortOrder?: number;

  /** Why; kept in the audit log. */
  @IsReason()
  reason?: string;
}
