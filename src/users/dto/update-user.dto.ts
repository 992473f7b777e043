import { ApiProperty } from '@nestjs/swagger';
import { IsBoolean, IsEmail, IsIn, IsInt, IsObject, IsOptional, IsString, Length, Matches, Max, MaxLength, Min } from 'class-validator';
import { IsDay } from '../../common/is-instant';
import { MayBeLeftOut } from '../../common/may-be-left-out';
import { type Role, ROLES } from '../../common/principal';
import { MAX_QUOTA } from '../../tiers/dto/create-tier.dto';
import { type UserStatus } from '../entities/user.entity';
import { IsReason } from '../../common/is-reason';

export class UpdateUserDto {
  /** Users give `currentPassword` with it. */
  @MayBeLeftOut()
  @IsString()
  @MaxLength(255)
  @Matches(/^[\x21-\x7e]+$/, { message: 'email must be plain ASCII' })
  @IsEmail()
  email?: string;

  @IsOptional()
  @IsString()
  @MaxLength(256)
  currentPassword?: string;

  /** IANA zone of the quota day; null: the setting `quota.timeZone`. The running period is never shortened. */
  @IsOptional()
  @IsString()
  @MaxLength(64)
  timeZone?: string | null;

  /** For administrators: the plan. More quota acts now; less acts at the next period, unless `effective` asks otherwise. */
  @MayBeLeftOut()
  @IsString()
  @MaxLength(50)
  tier?: string;

  /** For administrators, with `tier`. */
  @MayBeLeftOut()
  @IsIn(['now', 'next-period'])
  effective?: 'now' | 'next-period';

  /**
   * For administrators, with `tier` and in place of `effective`: the first day that the plan is in force, in the user's zone, after the running one and within ten
   * years. The change waits until then, and takes the place of one that waits.
   */
  @MayBeLeftOut()
  @IsDay()
  effectiveOn?: string;

  /** For administrators: units a day of this user's own; null: back to the tier's. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_QUOTA)
  dailyQuota?: number | null;

  /** For administrators: no limit of this user's own. */
  @MayBeLeftOut()
  @IsBoolean()
  unlimited?: boolean;

  /** For administrators: units that this user may have in flight, instead of the plan's number; null: back to the plan's. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_QUOTA)
  maxInFlight?: number | null;

  /** For administrators. */
  @MayBeLeftOut()
  @IsIn(ROLES)
  role?: Role;

  /** For administrators: a suspended user's sessions end and their keys stop. */
  @MayBeLeftOut()
  @IsIn(['active', 'suspended'])
  status?: UserStatus;

  /** For administrators: what the operator's own system calls the user; unique. Null: nothing. */
  @IsOptional()
  @IsString()
  @Length(1, 255)
  externalId?: string | null;

  /** Merged into what is there (RFC 7396): null removes a member. At most 50 members and 8 kB remain. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  @MayBeLeftOut()
  @IsObject()
  metadata?: Record<string, unknown>;

  /** Why; kept in the audit log. */
  @IsReason()
  reason?: string;
}
