import { Module } from '@nestjs/common';
import { GracefulShutdown } from '../common/graceful-shutdown';
import { HealthController } from './health.controller';
import { HealthRepository } from './health.repository';
import { HealthService } from './health.service';

@Module({
  controllers: [HealthController],
  providers: [GracefulShutdown, HealthRepository, HealthService],
  exports: [HealthRepository],
})
export class HealthModule {}
