import { Module } from '@nestjs/common';
import { JobsModule } from '../jobs/jobs.module';
import { LedgerModule } from '../ledger/ledger.module';
import { EventsController } from './events.controller';
import { EventsRetentionJob } from './events-retention.job';
import { EventsService } from './events.service';

/** What happened, for those who ask; and how long it is kept. */
@Module({
  imports: [JobsModule, LedgerModule],
  controllers: [EventsController],
  providers: [EventsRetentionJob, EventsService],
})
export class EventsModule {}
