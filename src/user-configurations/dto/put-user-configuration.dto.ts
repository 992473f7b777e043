import { IsOptional, IsString, MaxLength } from 'class-validator';
import { IsPresent } from '../../common/is-present';
import { AnyJson } from '../../openapi/declarations';

export class PutUserConfigurationDto {
  /** Any JSON within the setting's schema and bounds; at most 32 kB. */
  @AnyJson()
  @IsPresent()
  value: unknown;

  /** Why; kept in the history. */
  @IsOptional()
  @IsString()
  @MaxLength(500)
  reason?: string;
}
