import { Injectable, type OnModuleInit } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { JobsService, type ScheduledJob } from '../jobs/jobs.service';
import { RetentionRepository } from '../ledger/retention.repository';
import { SettingsService } from '../settings/settings.service';
import { RequestSettings } from './requests.settings';

const BATCH = 500;

/**
 * Removes finished requests past their retention. Always true: a day's requests go only when the day is archived in
 * `quota_usage`, so history stays right, and what waits or is carried out stays however old it is.
 */
@Injectable()
export class RetentionJob implements ScheduledJob, OnModuleInit {
  readonly name = 'request-retention';

  constructor(
    private readonly ledger: RetentionRepository,
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
    const days = this.settings.get(RequestSettings.retentionDays);
    if (days === null) return 0;
    const before = await this.ledger.horizon(days);
    let total = 0;
    for (let after: string | null = null; ;) {
      const startedAt = performance.now();
      const { removed, last } = await this.ledger.remove(BATCH, after, before);
      total += removed;
      if (last === null || stop.aborted) return total;
      after = last;
      // As long a pause as the work took leaves the database to the charges.
      await delay(performance.now() - startedAt, undefined, { signal: stop }).catch(() => undefined);
    }
  }
}
