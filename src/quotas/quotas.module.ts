import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditModule } from '../audit/audit.module';
import { JobsModule } from '../jobs/jobs.module';
import { TiersModule } from '../tiers/tiers.module';
import { AdmissionRepository } from './admission.repository';
import { AdmissionService } from './admission.service';
import { BooksRepository } from './books.repository';
import { BurstLimiter } from './burst-limiter';
import { ChargingService } from './charging.service';
import { QuotaEvent } from './entities/quota-event.entity';
import { QuotaUsage } from './entities/quota-usage.entity';
import { PeriodBoundsRepository } from './period-bounds.repository';
import { QuotaResetController } from './quota-reset.controller';
import { QuotaResetJob } from './quota-reset.job';
import { QuotaResetService } from './quota-reset.service';
import { QuotasController } from './quotas.controller';
import { QuotasRepository } from './quotas.repository';
import { QuotasService } from './quotas.service';

@Module({
  imports: [TypeOrmModule.forFeature([QuotaEvent, QuotaUsage]), AuditModule, JobsModule, TiersModule],
  controllers: [QuotasController, QuotaResetController],
  providers: [
    AdmissionRepository,
    AdmissionService,
    BooksRepository,
    BurstLimiter,
    ChargingService,
    PeriodBoundsRepository,
    QuotaResetJob,
    QuotaResetService,
    QuotasRepository,
    QuotasService,
  ],
  exports: [AdmissionService, BooksRepository, BurstLimiter, ChargingService, QuotasRepository, QuotaResetService, QuotasService],
})
export class QuotasModule {}
