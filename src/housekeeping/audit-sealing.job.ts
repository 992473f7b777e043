import { Injectable, type OnModuleInit } from '@nestjs/common';
import { AuditChainService } from '../audit/audit-chain.service';
import { JobsService, type ScheduledJob } from '../jobs/jobs.service';

/** Every five minutes: gives audit events their places in the chain. Until then their digests stand beside them, so nothing is unproved meanwhile. */
@Injectable()
export class AuditSealingJob implements ScheduledJob, OnModuleInit {
  readonly name = 'audit-sealing';

  constructor(
    private readonly chain: AuditChainService,
    private readonly jobs: JobsService,
  ) {}

  onModuleInit(): void {
    this.jobs.register(this);
  }

  schedule(): { cron: string; zone: string } {
    return { cron: '*/5 * * * *', zone: 'Etc/UTC' };
  }

  run(stop: AbortSignal): Promise<number> {
    return this.chain.seal(stop);
  }
}
