import { Injectable, type OnModuleInit } from '@nestjs/common';
import { SessionsService } from '../auth/sessions.service';
import { IdempotencyService } from '../idempotency/idempotency.service';
import { JobsRepository } from '../jobs/jobs.repository';
import { JobsService, type ScheduledJob } from '../jobs/jobs.service';
import { QuotaFormsService } from '../ledger/quota-forms.service';
import { MailSender } from '../mail/mail-sender';
import { MailsService } from '../mail/mails.service';
import { AddressProofsService } from '../proofs/address-proofs.service';
import { TraceOrigins } from '../trace-origins/trace-origins.service';

/** Once an hour: forgets what is past its time. Nothing is wrong when it does not run; tables only grow. */
@Injectable()
export class HousekeepingJob implements ScheduledJob, OnModuleInit {
  readonly name = 'housekeeping';

  constructor(
    private readonly idempotency: IdempotencyService,
    private readonly sessions: SessionsService,
    private readonly proofs: AddressProofsService,
    private readonly quotaForms: QuotaFormsService,
    private readonly mails: MailsService,
    private readonly mailSender: MailSender,
    private readonly origins: TraceOrigins,
    private readonly runs: JobsRepository,
    private readonly jobs: JobsService,
  ) {}

  onModuleInit(): void {
    this.jobs.register(this);
  }

  schedule(): { cron: string; zone: string } {
    return { cron: '17 * * * *', zone: 'Etc/UTC' };
  }

  async run(stop: AbortSignal): Promise<number> {
    await this.runs.tidy();
    await this.mailSender.tidy();
    let removed = 0;
    for (const tidied of [this.idempotency, this.sessions, this.proofs, this.quotaForms, this.origins])
      if (!stop.aborted) removed += await tidied.removeExpired(stop);
    return stop.aborted ? removed : removed + (await this.mails.removeEnded(stop));
  }
}
