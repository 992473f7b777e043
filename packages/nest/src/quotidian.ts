import { Inject, Injectable, Logger } from '@nestjs/common';
import { type Client, createClient, createMeter, type Meter } from '@quotidian/client';
import { QUOTIDIAN_OPTIONS, type QuotidianOptions } from './options';

/** What the module gives an application: the meter of its guard, and a typed client. */
@Injectable()
export class Quotidian {
  private readonly logger = new Logger(Quotidian.name);
  private readonly ownClient: Client | undefined;
  readonly meter: Meter;

  constructor(@Inject(QUOTIDIAN_OPTIONS) { url: baseUrl, key, credentialOf, whenUnavailable, fetch, retries }: QuotidianOptions) {
    this.ownClient = key === undefined ? undefined : createClient({ baseUrl, apiKey: key, fetch, retries });
    const onError = (error: unknown, id: string) => this.logger.warn(`The charge ${id} was not ended, and stays: ${String(error)}`);
    this.meter = createMeter({ baseUrl, credentialOf, whenUnavailable, fetch, retries, worker: this.ownClient, onError });
  }

  /** Everything else of the API, by the application's own key. @throws Error where the module has no `key` */
  get client(): Client {
    if (this.ownClient === undefined) throw new Error('QuotidianModule was given no key: its client has nothing to call with.');
    return this.ownClient;
  }
}
