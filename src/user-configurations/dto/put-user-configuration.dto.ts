import { IsPresent } from '../../common/is-present';
import { AnyJson } from '../../openapi/declarations';
import { IsReason } from '../../common/is-reason';

export class PutUserConfigurationDto {
  /** Any JSON within the setting's schema and bounds; at most 32 kB. */
  @AnyJson()
  @IsPresent()
  value: unknown;

  /** Why; kept in the history. */
  @IsReason()
  reason?: string;
}
