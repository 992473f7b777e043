import { ApiProperty } from '@nestjs/swagger';
import { NextTierDto } from '../../users/dto/user.dto';
import { type LimitPeriod } from '../../ledger/entities/quota-limit-usage.entity';

export class QuotaOverrideDto {
  /** Units a day; null when unlimited. */
  dailyQuota: number | null;
  unlimited: boolean;
  /** It ends by the clock. */
  expiresAt: Date;
  reason: string;
  /** The administrator who set it; null on the command line. */
  author: number | null;
}

/** A grant that can be drawn on. */
export class QuotaGrantDto {
  id: number;
  units: number;
  /** Units left. */
  remaining: number;
  /** Null: it does not expire. */
  expiresAt: Date | null;
  /** The smallest is drawn first. */
  priority: number;
}

export class QuotaGrantsDto {
  /** Units left on all of them. */
  remaining: number;
  /** In the order in which they are drawn. */
  items: QuotaGrantDto[];
}

export class QuotaOverageDto {
  /** Units that went beyond the quota in this period, and were not refunded. */
  used: number;
  /** How many may; null: as many as there are. */
  max: number | null;
}

/** One limit of the plan beside the daily quota. */
export class QuotaLimitDto {
  /** What rate-limit fields and refusals call it. */
  name: string;
  period: LimitPeriod;
  /** Of requests that it counts; null: all. */
  @ApiProperty({ type: [String], nullable: true, maxItems: 50 })
  types: string[] | null;
  /** Units in a period. */
  limit: number;
  /** Units charged in this period and not refunded. */
  used: number;
  remaining: number;
  periodStart: Date;
  resetsAt: Date;
}

export class InFlightDto {
  /** Units that may be in flight, by the user's own number or the plan's. */
  limit: number;
  /** Units that were admitted since there is a limit, and have not ended. */
  used: number;
}

export class QuotaDto {
  /** Units in this period; null when unlimited. */
  limit: number | null;
  unlimited: boolean;
  /** Units of the day's own charged and not refunded; what grants paid is not among them. */
  used: number;
  /** Units that may be charged now: what is left of the day's own, and of grants. Never below 0; null when unlimited. */
  remaining: number | null;
  periodStart: Date;
  resetsAt: Date;
  /** The IANA zone in force. */
  timeZone: string;
  /** `HH:MM` in that zone: when days begin, by the setting `quota.dayStartsAt` or the plan's own. */
  dayStartsAt: string;
  /** Units in flight of all types together. Absent where any number may be. */
  inFlight?: InFlightDto;
  tier: string;
  /** Limits beside the day's: a charge is held against all that count its type. Absent where the plan has none. */
  limits?: QuotaLimitDto[];
  /** Units beside the day's own, drawn once those are used up. Absent where there are none. */
  grants?: QuotaGrantsDto;
  /** What goes beyond the quota: admitted, and counted apart from `used` and `remaining`. Absent for users who may not, and did not. */
  overage?: QuotaOverageDto;
  /** True while the quota is tried out: what it would refuse is admitted and counted. Absent where it is not. */
  shadow?: boolean;
  /** The override that is active now. */
  override: QuotaOverrideDto | null;
  /** A change of tier that waits for the next period, or for its date. */
  next: NextTierDto | null;
  /** When the quota will be used up at today's pace; null when it will last. */
  exhaustedAt: Date | null;
  /**
   * Stored values that do not count because the database cannot use them: `timeZone`, the user's, gives way to the system's, and
   * `periodZone`, in which the running day was reckoned, to the one in force. Empty for nearly everybody.
   */
  @ApiProperty({ type: 'array', items: { type: 'string', enum: ['timeZone', 'periodZone'] } })
  adjusted: ('timeZone' | 'periodZone')[];
}
