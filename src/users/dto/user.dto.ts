import { ApiProperty } from '@nestjs/swagger';
import { type Role } from '../../common/principal';
import { type UserStatus } from '../entities/user.entity';

export class NextTierDto {
  tier: string;
  /** Units a day from then on; null when unlimited. */
  dailyQuota: number | null;
  /** The beginning of the first period that it is in force. */
  effectiveAt: Date;
}

export class UserDto {
  id: number;
  email: string;
  /** Whether the account's holder proved that they read that mailbox. */
  emailVerified: boolean;
  /** The address that becomes the account's once it is proven; null: none. */
  pendingEmail: string | null;
  role: Role;
  status: UserStatus;
  /** The plan in force now. */
  tier: string;
  /** A change of plan that waits, as `quota.next` shows it. Absent where none does. */
  next?: NextTierDto;
  /** Units a day without an override; null when unlimited. */
  dailyQuota: number | null;
  /** Units that this user may have in flight; null: as the plan has it. */
  maxInFlight: number | null;
  unlimited: boolean;
  /** IANA zone of the quota day; null while it is inherited from the setting `quota.timeZone`. */
  timeZone: string | null;
  /** What the operator's own system calls the user. */
  externalId: string | null;
  /** Whatever belongs to the user elsewhere; the user may change it. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  metadata: Record<string, unknown>;
  createdAt: Date;
  /** When the account last changed; charges do not count. */
  updatedAt: Date;
  /** When the deleted account is removed, and cannot be restored any more; null: it was not deleted. */
  removalDueAt: Date | null;
  /** Members whose stored value does not count because the database cannot use it: an unknown `timeZone` counts as null. `PATCH` repairs it. */
  @ApiProperty({ type: 'array', items: { type: 'string', enum: ['timeZone'] } })
  adjusted: 'timeZone'[];
}

export class UserPage {
  /** May be fewer than `limit`, or none, while there are more: a page looks at a bounded number of accounts. */
  items: UserDto[];
  /** Null at the end. */
  nextCursor: string | null;
}

export class UserPreviewDto extends UserDto {
  /** When the change of tier would be in force: now, when the present period ends, or with its date. */
  effectiveAt: Date;
  /** What would be left today, after it; null when unlimited. */
  remainingToday: number | null;
  /** Units a day from then on; null when unlimited. */
  nextDailyQuota: number | null;
}
