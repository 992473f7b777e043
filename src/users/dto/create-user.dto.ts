import { IsBoolean, IsIn, IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { type Role } from '../../common/principal';
import { MAX_QUOTA } from '../../tiers/dto/create-tier.dto';
import { CredentialsDto } from './credentials.dto';

export class CreateUserDto extends CredentialsDto {
  /** Default: the plan that the setting `users.defaultTier` names. */
  @IsOptional()
  @IsString()
  @MaxLength(50)
  tier?: string;

  /** Units a day of this user's own, instead of the tier's. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_QUOTA)
  dailyQuota?: number | null;

  /** No limit of this user's own, instead of the tier's. */
  @IsOptional()
  @IsBoolean()
  unlimited?: boolean;

  /** IANA zone of the quota day; left out or null: the setting `quota.timeZone`. */
  @IsOptional()
  @IsString()
  @MaxLength(64)
  timeZone?: string | null;

  @IsOptional()
  @IsIn(['user', 'admin'])
  role?: Role;

  /** Why; kept in the audit log. */
  @IsOptional()
  @IsString()
  @MaxLength(500)
  reason?: string;
}
