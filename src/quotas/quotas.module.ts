import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module';
import { JobsModule } from '../jobs/jobs.module';
import { LedgerModule } from '../ledger/ledger.module';
import { TiersModule } from '../tiers/tiers.module';
import { BurstLimiter } from './burst-limiter';
import { ChargingService } from './charging.service';
import { DayReads } from './day-reads';
import { QuotaFormsController } from './quota-forms.controller';
import { QuotaResetController } from './quota-reset.controller';
import { QuotaResetJob } from './quota-reset.job';
import { QuotaResetService } from './quota-reset.service';
import { QuotasController } from './quotas.controller';
import { QuotasRepository } from './quotas.repository';
import { QuotasService } from './quotas.service';
import { UserFormsRepository } from './user-forms.repository';
import { UserFormsService } from './user-forms.service';

@Module({
  imports: [AuditModule, JobsModule, LedgerModule, TiersModule],
  controllers: [QuotasController, QuotaFormsController, QuotaResetController],
  providers: [
    BurstLimiter,
    ChargingService,
    DayReads,
    QuotaResetJob,
    QuotaResetService,
    QuotasRepository,
    QuotasService,
    UserFormsRepository,
    UserFormsService,
  ],
  exports: [ChargingService],
})
export class QuotasModule {}
