import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module';
import { IdempotencyModule } from '../idempotency/idempotency.module';
import { ConfigurationChangesController } from './configuration-changes.controller';
import { ConfigurationChangesService } from './configuration-changes.service';

@Module({
  imports: [AuditModule, IdempotencyModule],
  controllers: [ConfigurationChangesController],
  providers: [ConfigurationChangesService],
})
export class ConfigurationChangesModule {}
