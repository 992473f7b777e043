import { IsOptional, IsString, MaxLength } from 'class-validator';
import { DryRunQuery } from '../../http/dry-run-query.dto';

export class DeleteConfigurationQuery extends DryRunQuery {
  /** Why; kept in the history. */
  @IsOptional()
  @IsString()
  @MaxLength(500)
  reason?: string;
}
