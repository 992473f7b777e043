import { Module } from '@nestjs/common';
import { QuotasModule } from '../quotas/quotas.module';
import { GatewayController } from './gateway.controller';
import { GatewayRepository } from './gateway.repository';
import { GatewayService } from './gateway.service';

@Module({
  imports: [QuotasModule],
  controllers: [GatewayController],
  providers: [GatewayService, GatewayRepository],
})
export class GatewayModule {}
