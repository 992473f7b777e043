import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditModule } from '../audit/audit.module';
import { IdempotencyModule } from '../idempotency/idempotency.module';
import { JobsModule } from '../jobs/jobs.module';
import { TraceOriginsModule } from '../trace-origins/trace-origins.module';
import { DeliveriesController } from './deliveries.controller';
import { DeliveriesRepository } from './deliveries.repository';
import { DeliveriesService } from './deliveries.service';
import { Delivering } from './delivering.service';
import { DispatchRepository } from './dispatch.repository';
import { Dispatcher } from './dispatcher.service';
import { EndpointHealthRepository } from './endpoint-health.repository';
import { EndpointHealth } from './endpoint-health.service';
import { EndpointSecrets } from './endpoint-secrets';
import { EndpointsController } from './endpoints.controller';
import { EndpointsRepository } from './endpoints.repository';
import { EndpointsService } from './endpoints.service';
import { WebhookDelivery } from './entities/webhook-delivery.entity';
import { WebhookEndpoint } from './entities/webhook-endpoint.entity';
import { FanOutRepository } from './fan-out.repository';
import { FanOut } from './fan-out.service';
import { HostResolver } from './host-resolver';
import { ReplayRepository } from './replay.repository';
import { ReplayService } from './replay.service';
import { Results } from './results.service';
import { Sender } from './sender.service';
import { WebhookFigures } from './webhook-figures.service';
import { WebhookRetentionJob } from './webhook-retention.job';

@Module({
  imports: [TypeOrmModule.forFeature([WebhookDelivery, WebhookEndpoint]), AuditModule, IdempotencyModule, JobsModule, TraceOriginsModule],
  controllers: [EndpointsController, DeliveriesController],
  providers: [
    DeliveriesRepository,
    DeliveriesService,
    Delivering,
    DispatchRepository,
    Dispatcher,
    EndpointHealth,
    EndpointHealthRepository,
    EndpointSecrets,
    EndpointsRepository,
    EndpointsService,
    FanOut,
    FanOutRepository,
    HostResolver,
    ReplayRepository,
    ReplayService,
    Results,
    Sender,
    WebhookFigures,
    WebhookRetentionJob,
  ],
  exports: [EndpointsService, WebhookFigures],
})
export class WebhooksModule {}
