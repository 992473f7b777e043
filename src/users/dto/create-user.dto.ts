import { ApiProperty } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsInt, IsObject, IsOptional, IsString, Length, Max, MaxLength, Min } from 'class-validator';
import { MayBeLeftOut } from '../../common/may-be-left-out';
import { type Role, ROLES } from '../../common/principal';
import { MAX_QUOTA } from '../../tiers/dto/create-tier.dto';
import { CredentialsDto } from './credentials.dto';
import { IsReason } from '../../common/is-reason';

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
  @IsIn(ROLES)
  role?: Role;

  /** What the operator's own system calls the user; unique. */
  @IsOptional()
  @IsString()
  @Length(1, 255)
  externalId?: string | null;

  /** Whatever belongs to the user elsewhere: at most 50 members and 8 kB. The user may read and change it. */
  @ApiProperty({ type: 'object', additionalProperties: true, maxProperties: 50 })
  @MayBeLeftOut()
  @IsObject()
  metadata?: Record<string, unknown>;

  /** Why; kept in the audit log. */
  @IsReason()
  reason?: string;
}
