import { IsInt, IsOptional, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import { IsInstant } from '../../common/is-instant';
import { MAX_QUOTA } from '../../tiers/dto/create-tier.dto';

export const MAX_PRIORITY = 1_000;

export class CreateGrantDto {
  /** Units beside the day's own. */
  @IsInt()
  @Min(1)
  @Max(MAX_QUOTA)
  units: number;

  /** When what is left of them ends; null: never. */
  @IsOptional()
  @IsInstant()
  expiresAt?: string | null;

  /** The smallest is drawn first; of equals the one that expires first, then the older one. Default: 100. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_PRIORITY)
  priority?: number;

  /** Why; kept with it and in the audit log. */
  @IsString()
  @MaxLength(500)
  @Matches(/\S/, { message: 'reason must not be empty' })
  reason: string;
}
