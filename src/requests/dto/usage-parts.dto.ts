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

export class UsagePartsDto {
  /** The largest first, 200 at the utmost. */
  items: UsagePartDto[];
  /** The first day of which every request was counted; null: of all that were asked for. Of more than 50,000 requests the newest count. */
  completeFrom: string | null;
}
