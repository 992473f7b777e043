import { Matches } from 'class-validator';

const DATE = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;

export class UsagePartsQuery {
  /** First local day of the user, included; to now. */
  @Matches(DATE, { message: '$property must be a date, YYYY-MM-DD' })
  from: string;
}

export class UsagePartDto {
  type: string;
  /** The API key that they were made with; null: a session, or a key that is gone. */
  keyId: number | null;
  /** Units charged and not refunded. */
  used: number;
  refunded: number;
  requests: number;
}

/** The whole of what one API key was used for. */
export class KeyUsageDto {
  /** Null: sessions. */
  keyId: number | null;
  /** Null: no key of the user's, such as an administrator's, or one that is gone. */
  name: string | null;
  /** Units charged and not refunded. */
  used: number;
  refunded: number;
  requests: number;
  /** Whatever it was used for, up to half a minute late. */
  lastUsedAt: Date | null;
}

export class UsagePartsDto {
  /** The largest first, 200 at the utmost. */
  items: UsagePartDto[];
  /** What each key was used for in all, the largest first, 200 at the utmost. */
  keys: KeyUsageDto[];
  /** The first day of which every request was counted; null: of all that were asked for. Of more than 50,000 requests the newest count. */
  completeFrom: string | null;
}
