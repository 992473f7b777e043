import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { RequestTrace } from './entities/request-trace.entity';
import { TraceOriginsRepository } from './trace-origins.repository';
import { TraceOrigins } from './trace-origins.service';

@Module({
  imports: [TypeOrmModule.forFeature([RequestTrace])],
  providers: [TraceOrigins, TraceOriginsRepository],
  exports: [TraceOrigins],
})
export class TraceOriginsModule {}
