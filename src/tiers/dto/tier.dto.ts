import { type Tier } from '../entities/tier.entity';

export class TierDto {
  id: number;
  name: string;
  /** Units a day; null when unlimited. */
  dailyQuota: number | null;
  unlimited: boolean;
  /** Requests a minute beside the daily quota; null: no burst limit. */
  burstPerMinute: number | null;
  /** Kept for its users, offered to nobody else. */
  archived: boolean;

  static of({ id, name, dailyQuota, unlimited, burstPerMinute, archived }: Tier): TierDto {
    return { id, name, dailyQuota, unlimited, burstPerMinute, archived };
  }
}

export class TierPage {
  items: TierDto[];
  /** Null at the end. */
  nextCursor: string | null;
}
