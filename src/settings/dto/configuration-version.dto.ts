import { AnyJson } from '../../openapi/declarations';

export class ConfigurationChangeDto {
  /** Where, as a JSON Pointer into the version's content. */
  pointer: string;
  /** What it was; absent when it was not there. */
  @AnyJson()
  before?: unknown;
  /** What it became; absent when it went away. */
  @AnyJson()
  after?: unknown;
}

export class ConfigurationVersionDto {
  version: number;
  /** The value from this version on; null when deleted, and for a secret. */
  @AnyJson()
  value: unknown;
  /** True when this version took the setting back to what it inherits. */
  deleted: boolean;
  /** Against the version before. */
  changes: ConfigurationChangeDto[];
  /** The user who made it; null on the command line. */
  author: number | null;
  reason: string | null;
  createdAt: Date;
}

export class ConfigurationHistoryPage {
  items: ConfigurationVersionDto[];
  /** Null at the end. */
  nextCursor: string | null;
}
