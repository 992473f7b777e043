import { Injectable, type OnModuleInit } from '@nestjs/common';
import { JobsRepository } from '../jobs/jobs.repository';
import { type JobSchedule, JobsService, type JobUnderWay, type ScheduledJob } from '../jobs/jobs.service';
import { SettingsService } from '../settings/settings.service';
import { QuotaResetService } from './quota-reset.service';
import { QuotaSettings } from './quota.settings';

export const QUOTA_RESET = 'quota-reset';

/** When the quota reset is due: by the settings, and anew when they change. */
@Injectable()
export class QuotaResetJob implements ScheduledJob, OnModuleInit {
  readonly name = QUOTA_RESET;

  constructor(
    private readonly reset: QuotaResetService,
    private readonly settings: SettingsService,
    private readonly jobs: JobsService,
    private readonly runs: JobsRepository,
  ) {}

  onModuleInit(): void {
    this.jobs.register(this);
    let known = JSON.stringify(this.schedule());
    this.settings.onChange(() => {
      if (known === (known = JSON.stringify(this.schedule()))) return;
      this.jobs.reschedule(this.name);
    });
  }

  schedule(): JobSchedule {
    const { resetCron, timeZone } = QuotaSettings;
    const { unusable } = this.settings;
    return {
      cron: this.settings.get(resetCron),
      zone: this.settings.get(timeZone),
      adjusted: [...(unusable.has(resetCron.key) ? ['cron' as const] : []), ...(unusable.has(timeZone.key) ? ['timeZone' as const] : [])],
      fallback: { cron: resetCron.default, zone: timeZone.default },
    };
  }

  /**
   * By the clock it looks only where a midnight has passed since a run last left nothing to do: no day ends but at a midnight
   * of its user's zone. Whoever asks for it has everything looked at.
   */
  async run(stop: AbortSignal, { trigger, report }: JobUnderWay): Promise<number> {
    const since = trigger === 'schedule' ? await this.runs.lastComplete(this.name) : null;
    return this.reset.closeOut({ since, stop, report });
  }
}
