import { Injectable, type OnModuleInit } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { EventSettings } from '../events/events.settings';
import { JobsService, type ScheduledJob } from '../jobs/jobs.service';
import { SettingsService } from '../settings/settings.service';
import { DeliveriesRepository } from './deliveries.repository';

/** Once an hour: removes deliveries past `webhooks.retentionDays`, and those of endpoints that are gone, in batches. */
@Injectable()
export class WebhookRetentionJob implements ScheduledJob, OnModuleInit {
  readonly name = 'webhook-retention';

  constructor(
    private readonly repository: DeliveriesRepository,
    private readonly settings: SettingsService,
    private readonly jobs: JobsService,
  ) {}

  onModuleInit(): void {
    this.jobs.register(this);
  }

  schedule(): { cron: string; zone: string } {
    return { cron: '41 * * * *', zone: 'Etc/UTC' };
  }

  async run(stop: AbortSignal): Promise<number> {
    let removed = await this.removeAll(() => this.repository.removeOlderThan(this.settings.get(EventSettings.retentionDays)), stop);
    for (let after = 0; ;) {
      const found = await this.repository.orphans(after);
      const last = found.at(-1);
      if (last === undefined) return removed;
      after = last.endpointId;
      for (const { endpointId } of found.filter(({ gone }) => gone)) {
        removed += await this.removeAll(() => this.repository.removeOf(endpointId), stop);
        if (stop.aborted) return removed;
      }
    }
  }

  /** As long a pause after each batch as it took leaves the database to the charges. */
  private async removeAll(removeBatch: () => Promise<number>, stop: AbortSignal): Promise<number> {
    for (let total = 0; ;) {
      const startedAt = performance.now();
      const removed = await removeBatch();
      total += removed;
      if (removed === 0 || stop.aborted) return total;
      await delay(performance.now() - startedAt, undefined, { signal: stop }).catch(() => undefined);
    }
  }
}
