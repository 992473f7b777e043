import { IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import { ListQuery } from '../../http/list-query.dto';
import { CHANGE_STATUSES, type ChangeStatus } from '../../settings/entities/system-configuration-change.entity';

export class ListKeyChangesQuery extends ListQuery {
  /** Only changes in this status: `proposed` are those that wait for an approval. */
  @IsOptional()
  @IsIn(CHANGE_STATUSES)
  status?: ChangeStatus;
}

export class ListChangesQuery extends ListKeyChangesQuery {
  /** Only changes of this setting. */
  @IsOptional()
  @IsString()
  @MaxLength(100)
  key?: string;
}
