import { IsBoolean, IsInt, IsOptional, IsString, Matches, Max, MaxLength, Min, ValidateIf } from 'class-validator';
import { IsInstant } from '../../common/is-instant';
import { MAX_QUOTA } from '../../tiers/dto/create-tier.dto';

export class PutOverrideDto {
  /** Units a day; left out when unlimited. Zero means none. */
  @ValidateIf((dto: PutOverrideDto) => dto.unlimited !== true || dto.dailyQuota != null)
  @IsInt()
  @Min(0)
  @Max(MAX_QUOTA)
  dailyQuota?: number | null;

  @IsOptional()
  @IsBoolean()
  unlimited?: boolean;

  /** When it ends, by the clock. */
  @IsInstant()
  expiresAt: string;

  /** Why; kept with it and in the audit log. */
  @IsString()
  @MaxLength(500)
  @Matches(/\S/, { message: 'reason must not be empty' })
  reason: string;
}
