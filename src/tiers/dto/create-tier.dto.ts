import { ApiProperty } from '@nestjs/swagger';
import { IsArray, IsBoolean, IsInt, IsObject, IsOptional, Matches, Max, Min, ValidateIf } from 'class-validator';
import { IsReason } from '../../common/is-reason';
import { MAX_INTEGER } from '../../common/limits';
import { type Limit } from '../../ledger/entities/quota-limit-usage.entity';
import { type Overage, type Rollover } from '../../ledger/entities/user-quota-forms.entity';
import { LIMITS_SCHEMA } from './limit.dto';
import { OVERAGE_SCHEMA } from './overage.dto';
import { ROLLOVER_SCHEMA } from './rollover.dto';

import { HOUR_OF_DAY } from '../hour-of-day';

export const MAX_QUOTA = MAX_INTEGER;
/** Never digits alone: in a path those are an id. */
export const TIER_NAME = /^(?!\d+$)[a-z0-9][a-z0-9._-]{0,49}$/;

export class CreateTierDto {
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

  /** Requests a minute beside the daily quota; null: no burst limit. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  burstPerMinute?: number | null;

  /** How far its users may go beyond the daily quota, counted apart: `{}` or `{ "max": units }` in a period; null: not at all. */
  @IsOptional()
  @IsObject()
  @ApiProperty(OVERAGE_SCHEMA)
  overage?: Overage | null;

  /** What of a day's unused units its users keep: `{ "days": 7, "max": 100, "share": 0.5 }`, each day's as a grant for so many days; null: nothing. */
  @IsOptional()
  @IsObject()
  @ApiProperty(ROLLOVER_SCHEMA)
  rollover?: Rollover | null;

  /** Whether its quota is tried out: what it would refuse is admitted and counted. */
  @IsOptional()
  @IsBoolean()
  shadow?: boolean;

  /** `HH:MM` at which the day of its users begins, in the zone of each; null: as the setting `quota.dayStartsAt` has it. */
  @IsOptional()
  @Matches(HOUR_OF_DAY, { message: 'dayStartsAt must be an hour of the day, 00:00 to 23:59' })
  dayStartsAt?: string | null;

  /** Further limits, at most 10, each of the units in a minute, hour, day, week or month of the calendar, of all types of requests or of some: a charge is held against all that count it; null: none. */
  @IsOptional()
  @IsArray()
  @ApiProperty(LIMITS_SCHEMA)
  limits?: Limit[] | null;

  /** Units that one of its users may have in flight: admitted and not ended; null: any number. A user may have a number of their own. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_QUOTA)
  maxInFlight?: number | null;

  /** The same for types of requests, each beside the number for all: at most 50. */
  @ApiProperty({ type: 'object', nullable: true, additionalProperties: { type: 'integer', minimum: 1, maximum: MAX_QUOTA } })
  @IsOptional()
  @IsObject()
  maxInFlightByType?: Record<string, number> | null;

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
