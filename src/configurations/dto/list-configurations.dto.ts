import { IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import { ListQuery } from '../../http/list-query.dto';
import { type Visibility } from '../../settings/entities/system-configuration.entity';

export class ListConfigurationsQuery extends ListQuery {
  /** Only keys that start so. */
  @IsOptional()
  @IsString()
  @MaxLength(100)
  prefix?: string;

  /** Only settings of this visibility. */
  @IsOptional()
  @IsIn(['public', 'internal', 'secret'])
  visibility?: Visibility;
}
