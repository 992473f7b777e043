import { Module } from '@nestjs/common';
import { QuotasModule } from '../quotas/quotas.module';
import { RequestsModule } from '../requests/requests.module';
import { GatewayController } from './gateway.controller';
import { GatewayService } from './gateway.service';
import { HoldExpiryService } from './hold-expiry.service';
import { HoldsRepository } from './holds.repository';

@Module({
  imports: [QuotasModule, RequestsModule],
  controllers: [GatewayController],
  providers: [GatewayService, HoldExpiryService, HoldsRepository],
})
export class GatewayModule {}
