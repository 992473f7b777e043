import { IsInt, Max, Min } from 'class-validator';
import { MayBeLeftOut } from '../../common/may-be-left-out';
import { IsReason } from '../../common/is-reason';

/** Thirty days: longer than any roll-out, and short enough that a leaked secret ends. */
const MAX_OVERLAP_SECONDS = 2_592_000;

export class RotateApiKeyDto {
  /** How long the former secret works beside the new one; default: it stops at once. Not beyond the key's `expiresAt`. */
  @MayBeLeftOut()
  @IsInt()
  @Min(0)
  @Max(MAX_OVERLAP_SECONDS)
  overlapSeconds?: number;

  /** Why; kept in the audit log. */
  @IsReason()
  reason?: string;
}
