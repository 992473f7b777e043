import { IsIn, IsOptional } from 'class-validator';
import { ListQuery } from '../../http/list-query.dto';

export class ListWebhookDeliveriesQuery extends ListQuery {
  /** Those that were given up alone. */
  @IsOptional()
  @IsIn(['failed'])
  status?: 'failed';
}
