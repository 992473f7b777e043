import { IsBoolean, IsInt, IsISO8601, IsOptional, IsString, Max, MaxLength, Min, MinLength, ValidateIf } from 'class-validator';
import { LARGEST_QUOTA } from '../../tiers/dto/create-tier.dto';

export class PutOverrideDto {
  /** Units a day; left out when unlimited. Zero means none. */
  @ValidateIf((dto: PutOverrideDto) => dto.unlimited !== true || dto.dailyQuota != null)
  @IsInt()
  @Min(0)
  @Max(LARGEST_QUOTA)
  dailyQuota?: number | null;

  @IsOptional()
  @IsBoolean()
  unlimited?: boolean;

  /** When it ends, by the clock. */
  @IsISO8601({ strict: true, strictSeparator: true })
  expiresAt: string;

  /** Why; kept with it and in the audit log. */
  @IsString()
  @MinLength(1)
  @MaxLength(500)
  reason: string;
}
