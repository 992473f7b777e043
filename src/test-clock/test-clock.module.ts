import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module';
import { TestClockController } from './test-clock.controller';
import { TestClockRepository } from './test-clock.repository';
import { TestClockService } from './test-clock.service';

@Module({
  imports: [AuditModule],
  controllers: [TestClockController],
  providers: [TestClockRepository, TestClockService],
})
export class TestClockModule {}
