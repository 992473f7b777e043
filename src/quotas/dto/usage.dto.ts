import { IsOptional, Matches } from 'class-validator';

const DATE = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;
const message = '$property must be a date, YYYY-MM-DD';

export class UsageQuery {
  /** First day, included. Default: 29 days before `to`. */
  @IsOptional()
  @Matches(DATE, { message })
  from?: string;

  /** Last day, included. Default: today in the user's zone. */
  @IsOptional()
  @Matches(DATE, { message })
  to?: string;
}

export class ShadowUsageDto {
  /** Requests that the quota would have refused, were it not tried out only. */
  requests: number;
  /** What they cost. */
  units: number;
}

export class UsageItemDto {
  /** A local day of the user, YYYY-MM-DD. */
  date: string;
  /** Units of that day's quota; null when unlimited. On days without any record, the quota of now. */
  limit: number | null;
  /** Units charged and not refunded. */
  used: number;
  refunded: number;
  /** Requests admitted. */
  requests: number;
  /** Units that went beyond the quota, and are not among those used. Absent where there were none. */
  overage?: number;
  /** What was admitted because the quota is tried out only. Absent where there was nothing. */
  shadow?: ShadowUsageDto;
}

export class UsageDto {
  items: UsageItemDto[];
}
