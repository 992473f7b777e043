import { DryRunQuery } from '../../http/dry-run-query.dto';
import { IsReason } from '../../common/is-reason';

export class DeleteConfigurationQuery extends DryRunQuery {
  /** Why; kept in the history. */
  @IsReason()
  reason?: string;
}
