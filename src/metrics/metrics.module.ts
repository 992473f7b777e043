import { Module } from '@nestjs/common';
import { HealthModule } from '../health/health.module';
import { JobsModule } from '../jobs/jobs.module';
import { QuotasModule } from '../quotas/quotas.module';
import { MetricsController } from './metrics.controller';
import { MetricsService } from './metrics.service';

@Module({
  imports: [HealthModule, JobsModule, QuotasModule],
  controllers: [MetricsController],
  providers: [MetricsService],
})
export class MetricsModule {}
