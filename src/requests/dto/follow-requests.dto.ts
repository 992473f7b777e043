import { IsInt, IsOptional, Max, Min } from 'class-validator';
import { MAX_INTEGER } from '../../common/limits';
import { WholeNumber } from '../../common/whole-number';

export class FollowRequestsQuery {
  /** For administrators and `service` keys, who follow everybody's otherwise. */
  @IsOptional()
  @WholeNumber()
  @IsInt()
  @Min(1)
  @Max(MAX_INTEGER)
  userId?: number;
}
