import { type NextTierDto } from './user.dto';

/** A change of plan that waits. */
export class TierChangeDto {
  userId: number;
  email: string;
  /** The plan in force now. */
  tier: string;
  next: NextTierDto;
}

export class TierChangePage {
  /** May be fewer than `limit`, or none, while there are more. */
  items: TierChangeDto[];
  /** Null at the end. */
  nextCursor: string | null;
}
