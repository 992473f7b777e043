import { Global, Module } from '@nestjs/common';
import { IdempotencyModule } from '../idempotency/idempotency.module';
import { ProofsModule } from '../proofs/proofs.module';
import { QuotasModule } from '../quotas/quotas.module';
import { RequestsModule } from '../requests/requests.module';
import { MeteredRoutes } from './metered-routes';
import { MeteringRepository } from './metering.repository';
import { MeteringService } from './metering.service';

/** For every feature, without an import: whoever writes `@Metered(…)` needs nothing else. */
@Global()
@Module({
  imports: [IdempotencyModule, ProofsModule, QuotasModule, RequestsModule],
  providers: [MeteredRoutes, MeteringRepository, MeteringService],
  exports: [MeteredRoutes, MeteringService],
})
export class MeteringModule {}
