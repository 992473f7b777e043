import { ConfigurationDto } from './configuration.dto';

export class ConfigurationPreviewDto extends ConfigurationDto {
  /** Users who have a value of their own. */
  overrides: number;
  /** How many of those would be outside the new schema or bounds, and count as clamped or inherited. */
  overridesOutOfBounds: number;
}
