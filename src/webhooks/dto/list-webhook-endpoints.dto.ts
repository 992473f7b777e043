import { IsIn, IsInt, IsOptional, Max, Min } from 'class-validator';
import { MAX_INTEGER } from '../../common/limits';
import { WholeNumber } from '../../common/whole-number';
import { ListQuery } from '../../http/list-query.dto';

export class ListWebhookEndpointsQuery extends ListQuery {
  /** Whose events they are sent: their `own` user's, or `all`. Users have own ones only. */
  @IsOptional()
  @IsIn(['own', 'all'])
  scope?: 'own' | 'all';

  /** For administrators: those of one user. */
  @IsOptional()
  @WholeNumber()
  @IsInt()
  @Min(1)
  @Max(MAX_INTEGER)
  userId?: number;
}
