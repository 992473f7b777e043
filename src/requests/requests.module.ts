import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { QuotasModule } from '../quotas/quotas.module';
import { BatchService } from './batch.service';
import { CancelService } from './cancel.service';
import { ClaimRoom } from './claim-room';
import { ClaimsRepository } from './claims.repository';
import { ClaimsService } from './claims.service';
import { EndingsRepository } from './endings.repository';
import { EndingsService } from './endings.service';
import { RequestAttempt } from './entities/request-attempt.entity';
import { Request } from './entities/request.entity';
import { RequestSignals } from './request-signals';
import { RequestsController } from './requests.controller';
import { RequestsRepository } from './requests.repository';
import { RequestsService } from './requests.service';
import { SubmitService } from './submit.service';
import { WorkController } from './work.controller';
import { WorkService } from './work.service';

@Module({
  imports: [TypeOrmModule.forFeature([Request, RequestAttempt]), QuotasModule],
  controllers: [WorkController, RequestsController],
  providers: [
    BatchService,
    CancelService,
    ClaimRoom,
    ClaimsRepository,
    ClaimsService,
    EndingsRepository,
    EndingsService,
    RequestSignals,
    RequestsRepository,
    RequestsService,
    SubmitService,
    WorkService,
  ],
  exports: [EndingsService, SubmitService],
})
export class RequestsModule {}
