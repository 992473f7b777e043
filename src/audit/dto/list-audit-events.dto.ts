import { IsInt, IsOptional, IsString, MaxLength, Max } from 'class-validator';
import { MAX_INTEGER } from '../../common/limits';
import { WholeNumber } from '../../common/whole-number';
import { ListQuery } from '../../http/list-query.dto';

export class ListAuditEventsQuery extends ListQuery {
  /** What was done, such as `user.update`. */
  @IsOptional()
  @IsString()
  @MaxLength(60)
  action?: string;

  /** The kind of thing that was changed, such as `user`. */
  @IsOptional()
  @IsString()
  @MaxLength(40)
  targetKind?: string;

  /** The id of the thing that was changed. */
  @IsOptional()
  @IsString()
  @MaxLength(120)
  targetId?: string;

  /** The user who did it. */
  @IsOptional()
  @WholeNumber()
  @IsInt()
  @Max(MAX_INTEGER)
  actorId?: number;
}
