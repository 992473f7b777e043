import { Injectable, type OnModuleInit } from '@nestjs/common';
import { JobsService, type ScheduledJob } from '../jobs/jobs.service';
import { TierCopiesService } from './tier-copies.service';

/** Once a minute: goes on with what the process that edited a plan did not come to. */
@Injectable()
export class TierCopiesJob implements ScheduledJob, OnModuleInit {
  readonly name = 'tier-copies';

  constructor(
    private readonly copies: TierCopiesService,
    private readonly jobs: JobsService,
  ) {}

  onModuleInit(): void {
    this.jobs.register(this);
  }

  schedule(): { cron: string; zone: string } {
    return { cron: '* * * * *', zone: 'Etc/UTC' };
  }

  run(): Promise<number> {
    return this.copies.run();
  }
}
