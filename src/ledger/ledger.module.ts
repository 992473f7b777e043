import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AdmissionRepository } from './admission.repository';
import { AdmissionService } from './admission.service';
import { BooksRepository } from './books.repository';
import { CloseOutRepository } from './close-out.repository';
import { DayRollRepository } from './day-roll.repository';
import { QuotaEvent } from './entities/quota-event.entity';
import { QuotaGrant } from './entities/quota-grant.entity';
import { QuotaLimitUsage } from './entities/quota-limit-usage.entity';
import { QuotaOverage } from './entities/quota-overage.entity';
import { QuotaUsage } from './entities/quota-usage.entity';
import { RequestAttempt } from './entities/request-attempt.entity';
import { RequestDraw } from './entities/request-draw.entity';
import { RemovedUsage } from './entities/removed-usage.entity';
import { Request } from './entities/request.entity';
import { UserQuotaForms } from './entities/user-quota-forms.entity';
import { PeriodBoundsRepository } from './period-bounds.repository';
import { QuotaFormsRepository } from './quota-forms.repository';
import { QuotaFormsService } from './quota-forms.service';
import { RemovedUsageRepository } from './removed-usage.repository';
import { RetentionRepository } from './retention.repository';
import { SettlementRepository } from './settlement.repository';
import { SettlementService } from './settlement.service';

/** The counter of every user, the requests that it is the sum of, and the archive of days: whatever moves a unit is here. */
@Module({
  imports: [
    TypeOrmModule.forFeature([
      QuotaEvent,
      QuotaGrant,
      QuotaLimitUsage,
      QuotaOverage,
      QuotaUsage,
      RemovedUsage,
      Request,
      RequestAttempt,
      RequestDraw,
      UserQuotaForms,
    ]),
  ],
  providers: [
    AdmissionRepository,
    AdmissionService,
    BooksRepository,
    CloseOutRepository,
    DayRollRepository,
    PeriodBoundsRepository,
    QuotaFormsRepository,
    QuotaFormsService,
    RemovedUsageRepository,
    RetentionRepository,
    SettlementRepository,
    SettlementService,
  ],
  exports: [
    AdmissionService,
    BooksRepository,
    CloseOutRepository,
    DayRollRepository,
    QuotaFormsService,
    RemovedUsageRepository,
    RetentionRepository,
    SettlementService,
  ],
})
export class LedgerModule {}
