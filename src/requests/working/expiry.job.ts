import { Injectable, type OnModuleInit } from '@nestjs/common';
import { JobsService, type ScheduledJob } from '../../jobs/jobs.service';
import { OverdueRepository } from './overdue.repository';
import { TransitionsService } from './transitions.service';

const BATCH = 200;
/** Of batches in which not all could be ended, in one run: they do not stand in front of the others. */
const MAX_PASSED_OVER = 5_000;

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
    const tried: string[] = [];
    while (!stop.aborted && tried.length < MAX_PASSED_OVER) {
      const ids = await this.overdue.find(BATCH, tried);
      if (ids.length === 0) break;
      const now = await this.transitions.sweepEach(ids);
      if (now < ids.length) tried.push(...ids);
      ended += now;
    }
    return ended;
  }
}
