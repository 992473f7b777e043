import { IsBoolean, IsIn, IsObject, IsOptional, IsString, MaxLength } from 'class-validator';
import { IsPresent } from '../../common/is-present';
import { type Visibility } from '../entities/system-configuration.entity';

/** What is left out of an existing setting stays as it is; a setting that the code declares takes `value` and `reason` only. */
export class PutConfigurationDto {
  /** Any JSON that obeys the schema; at most 32 kB. */
  @IsPresent()
  value: unknown;

  /** JSON Schema 2020-12, checked by Ajv in strict mode; null: anything goes. */
  @IsOptional()
  @IsObject()
  schema?: Record<string, unknown> | null;

  @IsOptional()
  @IsString()
  @MaxLength(1_000)
  description?: string;

  /** Who reads it: every signed-in user, administrators, or nobody. */
  @IsOptional()
  @IsIn(['public', 'internal', 'secret'])
  visibility?: Visibility;

  /** Whether users may have a value of their own. */
  @IsOptional()
  @IsBoolean()
  overridable?: boolean;

  /** JSON Schema that users' values obey as well; null: no bounds. */
  @IsOptional()
  @IsObject()
  bounds?: Record<string, unknown> | null;

  /** Why; kept in the history. */
  @IsOptional()
  @IsString()
  @MaxLength(500)
  reason?: string;
}
