import { IsInt, Max, Min } from 'class-validator';
import { MAX_INTEGER } from '../../common/limits';
import { IsReason } from '../../common/is-reason';

export class RollbackConfigurationDto {
  /** The version whose content becomes the newest version. */
  @IsInt()
  @Min(1)
  @Max(MAX_INTEGER)
  version: number;

  @IsReason()
  reason?: string;
}
