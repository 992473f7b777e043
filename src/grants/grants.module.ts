import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module';
import { IdempotencyModule } from '../idempotency/idempotency.module';
import { GrantsController } from './grants.controller';
import { GrantsRepository } from './grants.repository';
import { GrantsService } from './grants.service';

@Module({
  imports: [AuditModule, IdempotencyModule],
  controllers: [GrantsController],
  providers: [GrantsRepository, GrantsService],
})
export class GrantsModule {}
