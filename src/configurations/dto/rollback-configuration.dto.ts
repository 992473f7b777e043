import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { MAX_INTEGER } from '../../common/limits';

export class RollbackConfigurationDto {
  /** The version whose content becomes the newest version. */
  @IsInt()
  @Min(1)
  @Max(MAX_INTEGER)
  version: number;

  @IsOptional()
  @IsString()
  @MaxLength(500)
  reason?: string;
}
