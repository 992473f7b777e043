import { Module } from '@nestjs/common';
import { Environment } from '../config/environment';
import { GracefulShutdown, SHUTDOWN_DELAY_MS } from '../http/graceful-shutdown';
import { JobsModule } from '../jobs/jobs.module';
import { TiersModule } from '../tiers/tiers.module';
import { HealthController } from './health.controller';
import { HealthRepository } from './health.repository';
import { HealthService } from './health.service';
import { StoredValuesRepository } from './stored-values.repository';
import { StoredValues } from './stored-values.service';

@Module({
  imports: [JobsModule, TiersModule],
  controllers: [HealthController],
  providers: [
    { provide: SHUTDOWN_DELAY_MS, inject: [Environment], useFactory: ({ SHUTDOWN_DELAY_SECONDS }: Environment) => SHUTDOWN_DELAY_SECONDS * 1_000 },
    GracefulShutdown,
    HealthRepository,
    HealthService,
    StoredValues,
    StoredValuesRepository,
  ],
  exports: [GracefulShutdown, HealthRepository, StoredValues],
})
export class HealthModule {}
