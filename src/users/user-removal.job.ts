import { Injectable, type OnModuleInit } from '@nestjs/common';
import { JobsService, type ScheduledJob } from '../jobs/jobs.service';
import { UserDeparturesService } from './user-departures.service';
import { UserRemovalService } from './user-removal.service';

/** Once a minute: removes accounts whose time to be restored is over, and goes on with what the process that deleted an account did not come to. */
@Injectable()
export class UserRemovalJob implements ScheduledJob, OnModuleInit {
  readonly name = 'user-removal';

  constructor(
    private readonly removal: UserRemovalService,
    private readonly departures: UserDeparturesService,
    private readonly jobs: JobsService,
  ) {}

  onModuleInit(): void {
    this.jobs.register(this);
  }

  schedule(): { cron: string; zone: string } {
    return { cron: '* * * * *', zone: 'Etc/UTC' };
  }

  async run(stop: AbortSignal): Promise<number> {
    stop.addEventListener('abort', () => this.removal.stop(), { once: true });
    const removed = await this.departures.removeDue(stop);
    return removed + (await this.removal.run());
  }
}
