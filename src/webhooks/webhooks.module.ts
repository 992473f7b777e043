import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditModule } from '../audit/audit.module';
import { IdempotencyModule } from '../idempotency/idempotency.module';
import { EndpointSecrets } from './endpoint-secrets';
import { EndpointsController } from './endpoints.controller';
import { EndpointsRepository } from './endpoints.repository';
import { EndpointsService } from './endpoints.service';
import { WebhookEndpoint } from './entities/webhook-endpoint.entity';
import { HostResolver } from './host-resolver';
import { Sender } from './sender.service';

@Module({
  imports: [TypeOrmModule.forFeature([WebhookEndpoint]), AuditModule, IdempotencyModule],
  controllers: [EndpointsController],
  providers: [EndpointSecrets, EndpointsRepository, EndpointsService, HostResolver, Sender],
})
export class WebhooksModule {}
