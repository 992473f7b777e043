import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditModule } from '../audit/audit.module';
import { JobRun } from './entities/job-run.entity';
import { JobsController } from './jobs.controller';
import { JobsRepository } from './jobs.repository';
import { JobsService } from './jobs.service';

@Module({
  imports: [AuditModule, ScheduleModule.forRoot(), TypeOrmModule.forFeature([JobRun])],
  controllers: [JobsController],
  providers: [JobsService, JobsRepository],
  exports: [JobsRepository, JobsService],
})
export class JobsModule {}
