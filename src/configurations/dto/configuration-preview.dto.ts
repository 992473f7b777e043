import { ConfigurationDto } from '../../settings/dto/configuration.dto';

export class ConfigurationPreviewDto extends ConfigurationDto {
  /** Users who have a value of their own. */
  overrides: number;
  /** How many of those would not count as they are: outside the new schema or bounds, or not overridable any more. */
  overridesOutOfBounds: number;
}
