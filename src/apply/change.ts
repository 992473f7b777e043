import { type JsonChange } from '../common/json-diff';

export interface ApplyOptions {
  /** Also take away what the document's sections do not name. */
  prune: boolean;
  reason: string;
}

/** What a document changes of one plan, setting or webhook endpoint. */
export interface ServiceChange {
  kind: 'tier' | 'setting' | 'webhook';
  /** A plan's name, a setting's key, an endpoint's URL. */
  name: string;
  action: 'create' | 'update' | 'delete';
  /** A secret's value is `(secret)`. */
  changes: JsonChange[];
  /** Users whose own values do not count as they are after it; of settings. */
  overridesOutOfBounds?: number;
  /** Of an endpoint that was made: shown this once. */
  secret?: string;
}
