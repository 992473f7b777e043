import { IsBoolean, IsInt, IsOptional, Matches, Max, Min } from 'class-validator';
import { LARGEST_QUOTA } from './create-tier.dto';

export class UpdateTierDto {
  /** Renaming reaches the tier's users at once. */
  @IsOptional()
  @Matches(/^[a-z0-9][a-z0-9._-]{0,49}$/, { message: 'name must be 1 to 50 of a-z, 0-9, dot, dash and underscore' })
  name?: string;

  /** Units a day. Reaches all users of the tier in the same transaction, but those with a custom number. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(LARGEST_QUOTA)
  dailyQuota?: number | null;

  @IsOptional()
  @IsBoolean()
  unlimited?: boolean;

  /** Requests a minute beside the daily quota; null: no burst limit. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  burstPerMinute?: number | null;

  @IsOptional()
  @IsInt()
  @Min(-1_000_000)
  @Max(1_000_000)
  sortOrder?: number;

  /** An archived tier keeps its users and is offered to nobody else. */
  @IsOptional()
  @IsBoolean()
  archived?: boolean;
}
