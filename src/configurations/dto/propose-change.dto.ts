import { IsBoolean, IsOptional, ValidateIf } from 'class-validator';
import { IsInstant } from '../../common/is-instant';
import { MayBeLeftOut } from '../../common/may-be-left-out';
import { AnyJson } from '../../openapi/declarations';
import { PutConfigurationDto } from './put-configuration.dto';

/** The setting as `PUT` takes it, or `delete: true` in its place. */
export class ProposeChangeDto extends PutConfigurationDto {
  /** Any JSON that obeys the schema; at most 32 kB. Not with `delete`. */
  @AnyJson({ required: false })
  @ValidateIf((dto: ProposeChangeDto) => dto.delete !== true)
  declare value: unknown;

  /** True: back to the default; an operator's own key is gone then. */
  @MayBeLeftOut()
  @IsBoolean()
  delete?: boolean;

  /** From when on it is in force, by the database's clock; null: as soon as it may. */
  @IsOptional()
  @IsInstant()
  effectiveAt?: string | null;

  /** Whether another administrator must approve it; not false where `configurations.approvalRequired` is true, which is also what it is when left out. */
  @MayBeLeftOut()
  @IsBoolean()
  requiresApproval?: boolean;
}
