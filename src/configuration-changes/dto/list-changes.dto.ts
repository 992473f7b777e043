import { IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import { CHANGE_STATUSES, type ChangeStatus } from '../../configurations/entities/system-configuration-change.entity';
import { ListQuery } from '../../http/list-query.dto';

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
