import { ApiProperty } from '@nestjs/swagger';
import { IsArray, IsInt, IsObject, IsOptional, Matches, Max, Min } from 'class-validator';
import { MAX_INTEGER } from '../../common/limits';
import { type Limit } from '../../ledger/entities/quota-limit-usage.entity';
import { type Overage, type Rollover } from '../../ledger/entities/user-quota-forms.entity';
import { HOUR_OF_DAY } from '../hour-of-day';
import { LIMITS_SCHEMA } from './limit.dto';
import { OVERAGE_SCHEMA } from './overage.dto';
import { ROLLOVER_SCHEMA } from './rollover.dto';

/** What a plan may have beside its daily quota; the same when it is made and when it is changed. `assertForms` checks what is inside. */
export class TierFormsDto {
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

  /** `HH:MM` at which the day of its users begins, in the zone of each; null: as the setting `quota.dayStartsAt` has it. */
  @IsOptional()
  @Matches(HOUR_OF_DAY, { message: 'dayStartsAt must be an hour of the day, 00:00 to 23:59' })
  dayStartsAt?: string | null;

  /** Further limits, at most 10, each of the units in a minute, hour, day, week or month of the calendar, of all types of requests or of some: a charge is held against all that count it; null: none. */
  @IsOptional()
  @IsArray()
  @ApiProperty(LIMITS_SCHEMA)
  limits?: Limit[] | null;

  /** Units that one of its users may have in flight: admitted and not ended; null: any number. 10,000 requests fill any limit. A user may have a number of their own. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_INTEGER)
  maxInFlight?: number | null;

  /** The same for types of requests, each beside the number for all: at most 50. */
  @ApiProperty({ type: 'object', nullable: true, additionalProperties: { type: 'integer', minimum: 1, maximum: MAX_INTEGER } })
  @IsOptional()
  @IsObject()
  maxInFlightByType?: Record<string, number> | null;
}
