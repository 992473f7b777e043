import { IsInt, IsOptional, Max, Min } from 'class-validator';
import { IsReason } from '../../common/is-reason';
import { MAX_QUOTA } from '../../tiers/dto/create-tier.dto';

export class PutOverageDto {
  /** Units in a period that may go beyond the quota; null or left out: as many as there are. Zero: none, whatever the plan allows. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MAX_QUOTA)
  max?: number | null;

  /** Why; kept in the audit log. */
  @IsReason()
  reason?: string;
}
