import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module';
import { IdempotencyModule } from '../idempotency/idempotency.module';
import { JobsModule } from '../jobs/jobs.module';
import { LedgerModule } from '../ledger/ledger.module';
import { ProofsModule } from '../proofs/proofs.module';
import { QuotasModule } from '../quotas/quotas.module';
import { TraceOriginsModule } from '../trace-origins/trace-origins.module';
import { BatchService } from './batch.service';
import { CancelService } from './cancel.service';
import { EventStreams } from './following/event-streams';
import { FinalWait } from './following/final-wait';
import { HeldCalls } from './following/held-calls';
import { ListStreams } from './following/list-streams';
import { ListWatch } from './following/list-watch';
import { ListWatchRepository } from './following/list-watch.repository';
import { RequestSignals } from './following/request-signals';
import { StatusWatch } from './following/status-watch';
import { StreamPings } from './following/stream-pings';
import { HistoriesRepository } from './histories.repository';
import { HistoriesService } from './histories.service';
import { RequestListsRepository } from './request-lists.repository';
import { RequestsController } from './requests.controller';
import { RequestsRepository } from './requests.repository';
import { RequestsService } from './requests.service';
import { RetentionJob } from './retention.job';
import { SubmitService } from './submitting/submit.service';
import { UsagePartsController } from './usage-parts/usage-parts.controller';
import { UsagePartsRepository } from './usage-parts/usage-parts.repository';
import { UsagePartsService } from './usage-parts/usage-parts.service';
import { ClaimRoom } from './working/claim-room';
import { ClaimsRepository } from './working/claims.repository';
import { ClaimsService } from './working/claims.service';
import { ExpiryJob } from './working/expiry.job';
import { OverdueSweep } from './working/overdue-sweep';
import { OverdueRepository } from './working/overdue.repository';
import { TransitionsService } from './working/transitions.service';
import { WorkController } from './working/work.controller';
import { WorkService } from './working/work.service';

@Module({
  imports: [AuthModule, IdempotencyModule, JobsModule, LedgerModule, ProofsModule, QuotasModule, TraceOriginsModule],
  controllers: [WorkController, RequestsController, UsagePartsController],
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
    ListStreams,
    ListWatch,
    ListWatchRepository,
    OverdueRepository,
    OverdueSweep,
    RequestSignals,
    RequestListsRepository,
    RequestsRepository,
    RequestsService,
    RetentionJob,
    StatusWatch,
    StreamPings,
    SubmitService,
    TransitionsService,
    UsagePartsRepository,
    UsagePartsService,
    WorkService,
  ],
  exports: [TransitionsService],
})
export class RequestsModule {}
