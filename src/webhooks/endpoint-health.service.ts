import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { Transactions } from '../database/transactions';
import { ListenersService } from '../outbox/listeners.service';
import { OutboxService } from '../outbox/outbox.service';
import { SettingsService } from '../settings/settings.service';
import { type Decline, EndpointHealthRepository } from './endpoint-health.repository';
import { sourceOf } from './listening';
import { WebhookSettings } from './webhooks.settings';

/** What the attempts of a while came to, endpoint by endpoint. */
export interface Observed {
  /** They were known to fail, and one attempt went well. */
  recovered: readonly number[];
  failed: readonly number[];
  /** They answered 410. */
  gone: readonly number[];
}

/**
 * Notices that endpoints fail, and disables those that fail for days or ask for it. Always true: their owner is informed of each threshold
 * once, in the commit that notes it.
 */
@Injectable()
export class EndpointHealth {
  constructor(
    private readonly repository: EndpointHealthRepository,
    private readonly outbox: OutboxService,
    private readonly listeners: ListenersService,
    private readonly settings: SettingsService,
    private readonly transactions: Transactions,
  ) {}

  async note({ recovered, failed, gone }: Observed): Promise<void> {
    if (recovered.length > 0) await this.repository.recovered(recovered);
    if (failed.length === 0 && gone.length === 0) return;
    const hours = this.settings.get(WebhookSettings.disableAfterHours);
    await this.transactions.run(async (tx) => {
      const declined = failed.length === 0 ? [] : await this.repository.failed(tx, failed, hours, this.settings.get(WebhookSettings.failingThresholds));
      const left = gone.length === 0 ? [] : await this.repository.gone(tx, gone, hours);
      for (const decline of declined) await this.report(tx, decline, 'failing');
      for (const decline of left) await this.report(tx, decline, 'gone');
    });
  }

  private async report(tx: EntityManager, { id, userId, url, enabled, percent, failingSince, disablesAt }: Decline, reason: 'failing' | 'gone'): Promise<void> {
    const about = { endpointId: id, host: new URL(url).host, failingSince };
    if (enabled) return this.outbox.record(tx, { type: 'endpoint.failing', userId, data: { ...about, percent, disablesAt } });
    await this.listeners.replace(tx, sourceOf(id), userId, []);
    await this.outbox.record(tx, { type: 'endpoint.disabled', userId, data: { ...about, reason } });
  }
}
