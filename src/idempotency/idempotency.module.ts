import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { IdempotencyKey } from './entities/idempotency-key.entity';
import { Fingerprints } from './fingerprints';
import { IdempotencyRepository } from './idempotency.repository';
import { IdempotencyService } from './idempotency.service';
import { RunningCalls } from './running-calls';

@Module({
  imports: [TypeOrmModule.forFeature([IdempotencyKey])],
  providers: [Fingerprints, IdempotencyService, IdempotencyRepository, RunningCalls],
  exports: [IdempotencyService],
})
export class IdempotencyModule {}
