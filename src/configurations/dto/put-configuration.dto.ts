import { IsBoolean, IsIn, IsObject, IsOptional, IsString, MaxLength, MinLength, ValidateIf } from 'class-validator';
import { IsPresent } from '../../common/is-present';
import { AnyJson } from '../../openapi/declarations';
import { type Visibility } from '../../settings/entities/system-configuration.entity';
import { IsReason } from '../../common/is-reason';

/** What is left out of an existing setting stays as it is; a setting that the code declares takes `value` and `reason` only. */
export class PutConfigurationDto {
  /** Any JSON that obeys the schema; at most 32 kB. */
  @AnyJson()
  @IsPresent()
  value: unknown;

  /** JSON Schema 2020-12, checked by Ajv in strict mode; null: anything goes. */
  @IsOptional()
  @IsObject()
  schema?: Record<string, unknown> | null;

  @ValidateIf((_, value) => value !== undefined)
  @IsString()
  @MaxLength(1_000)
  description?: string;

  /** What its number counts, such as `hours`. */
  @IsOptional()
  @IsString()
  @MinLength(1)
  @MaxLength(40)
  unit?: string | null;

  /** Who reads it: every signed-in user, administrators, or nobody. */
  @ValidateIf((_, value) => value !== undefined)
  @IsIn(['public', 'internal', 'secret'])
  visibility?: Visibility;

  /** Whether users may have a value of their own. */
  @ValidateIf((_, value) => value !== undefined)
  @IsBoolean()
  overridable?: boolean;

  /** JSON Schema that users' values obey as well; it may leave out the type that the schema names. Null: no bounds. */
  @IsOptional()
  @IsObject()
  bounds?: Record<string, unknown> | null;

  /** Why; kept in the history. */
  @IsReason()
  reason?: string;
}
