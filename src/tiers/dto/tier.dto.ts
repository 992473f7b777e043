import { ApiProperty } from '@nestjs/swagger';
import { MAX_INTEGER } from '../../common/limits';
import { LimitDto } from './limit.dto';
import { type OverageDto } from './overage.dto';
import { type RolloverDto } from './rollover.dto';
import { type Tier } from '../entities/tier.entity';

export class TierDto {
  id: number;
  name: string;
  /** Units a day; null when unlimited. */
  dailyQuota: number | null;
  unlimited: boolean;
  /** Requests a minute beside the daily quota; null: no burst limit. */
  burstPerMinute: number | null;
  /** How far its users may go beyond the daily quota; null: not at all. */
  overage: OverageDto | null;
  /** What of a day's unused units its users keep; null: nothing. */
  rollover: RolloverDto | null;
  /** Whether its quota is tried out: what it would refuse is admitted and counted. */
  shadow: boolean;
  /** `HH:MM` at which the day of its users begins; null: as the setting `quota.dayStartsAt` has it. */
  dayStartsAt: string | null;
  /** Limits beside the daily quota; null: none. */
  @ApiProperty({ type: () => [LimitDto], nullable: true, maxItems: 10 })
  limits: LimitDto[] | null;
  /** Units that one of its users may have in flight: admitted and not ended; null: any number. */
  maxInFlight: number | null;
  /** The same for types of requests, each beside the number for all. */
  @ApiProperty({ type: 'object', nullable: true, additionalProperties: { type: 'integer', minimum: 1, maximum: MAX_INTEGER } })
  maxInFlightByType: Record<string, number> | null;
  /** Kept for its users, offered to nobody else. */
  archived: boolean;

  static of({
    id,
    name,
    dailyQuota,
    unlimited,
    burstPerMinute,
    dayStartsAt,
    overage,
    rollover,
    shadow,
    limits,
    maxInFlight,
    maxInFlightByType,
    archived,
  }: Tier): TierDto {
    return {
      id,
      name,
      dailyQuota,
      unlimited,
      burstPerMinute,
      dayStartsAt,
      overage: overage ?? null,
      rollover: rollover ?? null,
      shadow: shadow ?? false,
      limits: limits ?? null,
      maxInFlight: maxInFlight ?? null,
      maxInFlightByType: maxInFlightByType ?? null,
      archived,
    };
  }
}

export class TierPage {
  items: TierDto[];
  /** Null at the end. */
  nextCursor: string | null;
}
