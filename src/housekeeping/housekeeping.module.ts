import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module';
import { IdempotencyModule } from '../idempotency/idempotency.module';
import { JobsModule } from '../jobs/jobs.module';
import { MailModule } from '../mail/mail.module';
import { ProofsModule } from '../proofs/proofs.module';
import { HousekeepingJob } from './housekeeping.job';

@Module({
  imports: [AuthModule, IdempotencyModule, JobsModule, MailModule, ProofsModule],
  providers: [HousekeepingJob],
})
export class HousekeepingModule {}
