import { Injectable, type OnModuleInit } from '@nestjs/common';
import { JobsService, type ScheduledJob } from '../jobs/jobs.service';
import { BooksRepository } from '../ledger/books.repository';
import { SettingsService } from '../settings/settings.service';
import { NotificationSettings } from './notifications.settings';
import { OperatorAlerts } from './operator-alerts.service';

/** Once a day: holds counters and history against the ledger, as `quotidian audit` does, and alerts operators when they differ. It only reads. */
@Injectable()
export class BooksJob implements ScheduledJob, OnModuleInit {
  readonly name = 'books';

  constructor(
    private readonly books: BooksRepository,
    private readonly alerts: OperatorAlerts,
    private readonly settings: SettingsService,
    private readonly jobs: JobsService,
  ) {}

  onModuleInit(): void {
    this.jobs.register(this);
  }

  schedule(): { cron: string; zone: string } {
    return { cron: '47 3 * * *', zone: 'Etc/UTC' };
  }

  /** @returns how many users were compared */
  async run(): Promise<number> {
    if (!this.settings.get(NotificationSettings.compareBooks)) return 0;
    const { clean, users, counts } = await this.books.compare();
    if (!clean) await this.alerts.raise('operator.books-differ', { counts });
    return users;
  }
}
