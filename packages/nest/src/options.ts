import { type MeterBase } from '@quotidian/client';

/** What every call of the application has in common. */
export interface QuotidianOptions extends Pick<MeterBase, 'whenUnavailable' | 'fetch' | 'retries'> {
  /** Where Quotidian answers, without `/v1`. */
  url: string;
  /**
   * The application's own API key of Quotidian, with the scope `worker`: units are held while a handler runs, settled by what it
   * states, and given back when it fails. Without one a call is charged for good before its handler runs.
   */
  key?: string | undefined;
  /** Who pays for a call: their API key of Quotidian. By default the field `Authorization` as it came. Undefined: nobody, which is 401. */
  credentialOf?: MeterBase['credentialOf'];
}

/** The token of the options, for whoever wants to read them. */
export const QUOTIDIAN_OPTIONS = Symbol('options of Quotidian');
