import { AnyJson } from '../../openapi/declarations';
import { type Visibility } from '../entities/system-configuration.entity';

export type Source = 'user' | 'system' | 'default';

/** What happened to a user's value that the schema or bounds of now do not allow; null: nothing. */
export type Adjustment = 'clamped' | 'inherited' | null;

export class ConfigurationDto {
  key: string;
  /** Any JSON; null for a secret, which is never shown. */
  @AnyJson()
  value: unknown;
  /** Where the value comes from. */
  source: Source;
  /** Of the source: 0 for a default that was never changed. */
  version: number;
  /** JSON Schema 2020-12 that every value obeys; null: anything goes. What was stored past this service is shown as it is. */
  @AnyJson()
  schema: Record<string, unknown> | null;
  description: string;
  /** What its number counts, such as `hours`. */
  unit: string | null;
  visibility: Visibility;
  /** Whether users may have a value of their own. */
  overridable: boolean;
  /** JSON Schema that users' values obey as well; null: no bounds. */
  @AnyJson()
  bounds: Record<string, unknown> | null;
  /** When the source last changed; null for a default. */
  updatedAt: Date | null;
  /** The user who last changed the source; null for a default, for the command line, and to users for what administrators set for everybody. */
  updatedBy: number | null;
  /**
   * Null, unless a stored value does not count as it is: of a user's own, outside the bounds of now, the nearest one counts (`clamped`) or
   * what would be without it (`inherited`); of a system setting that breaks its schema, the default (`inherited`).
   */
  adjusted: Adjustment;
}

export class UserConfigurationDto extends ConfigurationDto {}

export class ConfigurationPage {
  items: ConfigurationDto[];
  /** Null at the end. */
  nextCursor: string | null;
}

export class UserConfigurationPage {
  items: UserConfigurationDto[];
  /** Null at the end. */
  nextCursor: string | null;
}
