import { IsBoolean, IsInt, IsOptional, Matches, Max, Min } from 'class-validator';
import { IsReason } from '../../common/is-reason';
import { MayBeLeftOut } from '../../common/may-be-left-out';
import { MAX_QUOTA, TIER_NAME } from './create-tier.dto';
import { TierFormsDto } from './tier-forms.dto';

export class UpdateTierDto extends TierFormsDto {
  /** Renaming reaches the tier's users at once. */
  @MayBeLeftOut()
  @Matches(TIER_NAME, { message: 'name must be 1 to 50 of a-z, 0-9, dot, dash and underscore, and not digits alone' })
  name?: string;

  /** Units a day. Reaches all users of the tier in the same transaction, but those with a custom number. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_QUOTA)
  dailyQuota?: number | null;

  @MayBeLeftOut()
  @IsBoolean()
  unlimited?: boolean;

  /** Whether its quota is tried out: what it would refuse is admitted and counted. */
  @MayBeLeftOut()
  @IsBoolean()
  shadow?: boolean;

  @MayBeLeftOut()
  @IsInt()
  @Min(-1_000_000)
  @Max(1_000_000)
  sortOrder?: number;

  /** An archived tier keeps its users and is offered to nobody else. */
  @MayBeLeftOut()
  @IsBoolean()
  archived?: boolean;

  /** Why; kept in the audit log. */
  @IsReason()
  reason?: string;
}
