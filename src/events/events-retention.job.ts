import { Injectable, type OnModuleInit } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { JobsService, type ScheduledJob } from '../jobs/jobs.service';
import { RetentionRepository } from '../ledger/retention.repository';
import { EventLogRepository } from '../outbox/event-log.repository';
import { SettingsService } from '../settings/settings.service';
import { EventSettings } from './events.settings';

const BATCH = 1_000;

/**
 * Once an hour: removes events past `webhooks.retentionDays`, and what was noted of quotas so that each is reported once, in batches. An event that no relay has seen is kept, whatever its age.
 */
@Injectable()
export class EventsRetentionJob implements ScheduledJob, OnModuleInit {
  readonly name = 'event-retention';

  constructor(
    private readonly log: EventLogRepository,
    private readonly ledger: RetentionRepository,
    private readonly settings: SettingsService,
    private readonly jobs: JobsService,
  ) {}

  onModuleInit(): void {
    this.jobs.register(this);
  }

  schedule(): { cron: string; zone: string } {
    return { cron: '29 * * * *', zone: 'Etc/UTC' };
  }

  async run(stop: AbortSignal): Promise<number> {
    const days = this.settings.get(EventSettings.retentionDays);
    const events = await this.removeAll(() => this.log.removeOlderThan(days, BATCH), stop);
    return stop.aborted ? events : events + (await this.removeAll(() => this.ledger.removeCrossings(BATCH, days), stop));
  }

  private async removeAll(removeBatch: () => Promise<number>, stop: AbortSignal): Promise<number> {
    for (let total = 0; ;) {
      const startedAt = performance.now();
      const removed = await removeBatch();
      total += removed;
      if (removed < BATCH || stop.aborted) return total;
      // As long a pause as the work took leaves the database to the charges.
      await delay(performance.now() - startedAt, undefined, { signal: stop }).catch(() => undefined);
    }
  }
}
