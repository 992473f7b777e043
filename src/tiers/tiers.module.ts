import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditModule } from '../audit/audit.module';
import { IdempotencyModule } from '../idempotency/idempotency.module';
import { JobsModule } from '../jobs/jobs.module';
import { Tier } from './entities/tier.entity';
import { DefaultTierService } from './default-tier.service';
import { TierBursts } from './tier-bursts';
import { TierCopiesJob } from './tier-copies.job';
import { TierCopiesRepository } from './tier-copies.repository';
import { TierCopiesService } from './tier-copies.service';
import { TiersController } from './tiers.controller';
import { TiersRepository } from './tiers.repository';
import { TiersService } from './tiers.service';

@Module({
  imports: [TypeOrmModule.forFeature([Tier]), AuditModule, IdempotencyModule, JobsModule],
  controllers: [TiersController],
  providers: [DefaultTierService, TierBursts, TierCopiesJob, TierCopiesRepository, TierCopiesService, TiersService, TiersRepository],
  exports: [DefaultTierService, TierBursts, TierCopiesService, TiersService],
})
export class TiersModule {}
