import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { QuotasModule } from '../quotas/quotas.module';
import { Request } from './entities/request.entity';
import { RequestsController } from './requests.controller';
import { RequestsRepository } from './requests.repository';
import { RequestsService } from './requests.service';
import { SubmitService } from './submit.service';

@Module({
  imports: [TypeOrmModule.forFeature([Request]), QuotasModule],
  controllers: [RequestsController],
  providers: [RequestsRepository, RequestsService, SubmitService],
  exports: [SubmitService],
})
export class RequestsModule {}
