import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';

export class RollbackConfigurationDto {
  /** The version whose content becomes the newest version. */
  @IsInt()
  @Min(1)
  @Max(2_147_483_647)
  version: number;

  @IsOptional()
  @IsString()
  @MaxLength(500)
  reason?: string;
}
