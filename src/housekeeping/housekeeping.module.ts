import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module';
import { AuthModule } from '../auth/auth.module';
import { IdempotencyModule } from '../idempotency/idempotency.module';
import { JobsModule } from '../jobs/jobs.module';
import { LedgerModule } from '../ledger/ledger.module';
import { MailModule } from '../mail/mail.module';
import { ProofsModule } from '../proofs/proofs.module';
import { TraceOriginsModule } from '../trace-origins/trace-origins.module';
import { AuditSealingJob } from './audit-sealing.job';
import { HousekeepingJob } from './housekeeping.job';

@Module({
  imports: [AuditModule, AuthModule, IdempotencyModule, JobsModule, LedgerModule, MailModule, ProofsModule, TraceOriginsModule],
  providers: [AuditSealingJob, HousekeepingJob],
})
export class HousekeepingModule {}
