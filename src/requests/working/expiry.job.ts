import { Injectable, type OnModuleInit } from '@nestjs/common';
import { JobsService, type ScheduledJob } from '../../jobs/jobs.service';
import { OverdueRepository } from './overdue.repository';
import { TransitionsService } from './transitions.service';

const BATCH = 200;

/** Ends what the clock has ended where nobody claims or reads: units go back in time. Nothing is wrong when it does not run. */
@Injectable()
export class ExpiryJob implements ScheduledJob, OnModuleInit {
  readonly name = 'request-expiry';

  constructor(
    private readonly overdue: OverdueRepository,
    private readonly transitions: TransitionsService,
    private readonly jobs: JobsService,
  ) {}

  onModuleInit(): void {
    this.jobs.register(this);
  }

  schedule(): { cron: string; zone: string } {
    return { cron: '* * * * *', zone: 'Etc/UTC' };
  }

  async run(stop: AbortSignal): Promise<number> {
    let ended = 0;
    for (;;) {
      const ids = await this.overdue.find(BATCH);
      const now = ids.length > 0 ? await this.transitions.sweepEach(ids) : 0;
      ended += now;
      if (now === 0 || stop.aborted) return ended;
    }
  }
}
