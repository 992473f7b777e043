import { Injectable, type OnModuleInit } from '@nestjs/common';
import { SettingsService } from '../configurations/settings.service';
import { JobsService, type ScheduledJob } from '../jobs/jobs.service';
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
  ) {}

  onModuleInit(): void {
    this.jobs.register(this);
    let known = JSON.stringify(this.schedule());
    this.settings.onChange(() => {
      if (known === (known = JSON.stringify(this.schedule()))) return;
      this.jobs.reschedule(this.name);
    });
  }

  schedule(): { cron: string; zone: string } {
    return { cron: this.settings.get(QuotaSettings.resetCron), zone: this.settings.get(QuotaSettings.timeZone) };
  }

  run(): Promise<number> {
    return this.reset.closeOut();
  }
}
