import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module';
import { IdempotencyModule } from '../idempotency/idempotency.module';
import { JobsModule } from '../jobs/jobs.module';
import { LedgerModule } from '../ledger/ledger.module';
import { QuotasModule } from '../quotas/quotas.module';
import { BatchService } from './batch.service';
import { CancelService } from './cancel.service';
import { ClaimRoom } from './claim-room';
import { ClaimsRepository } from './claims.repository';
import { ClaimsService } from './claims.service';
import { EventStreams } from './event-streams';
import { ExpiryJob } from './expiry.job';
import { FinalWait } from './final-wait';
import { HeldCalls } from './held-calls';
import { HistoriesRepository } from './histories.repository';
import { HistoriesService } from './histories.service';
import { OverdueSweep } from './overdue-sweep';
import { OverdueRepository } from './overdue.repository';
import { RequestSignals } from './request-signals';
import { RequestsController } from './requests.controller';
import { RequestsRepository } from './requests.repository';
import { RequestsService } from './requests.service';
import { RetentionJob } from './retention.job';
import { StatusWatch } from './status-watch';
import { SubmitService } from './submit.service';
import { TransitionsService } from './transitions.service';
import { WorkController } from './work.controller';
import { WorkService } from './work.service';

@Module({
  imports: [AuthModule, IdempotencyModule, JobsModule, LedgerModule, QuotasModule],
  controllers: [WorkController, RequestsController],
  providers: [
    BatchService,
    CancelService,
    ClaimRoom,
    ClaimsRepository,
    ClaimsService,
    EventStreams,
    ExpiryJob,
    FinalWait,
    HeldCalls,
    HistoriesRepository,
    HistoriesService,
    OverdueRepository,
    OverdueSweep,
    RequestSignals,
    RequestsRepository,
    RequestsService,
    RetentionJob,
    StatusWatch,
    SubmitService,
    TransitionsService,
    WorkService,
  ],
  exports: [SubmitService, TransitionsService],
})
export class RequestsModule {}
