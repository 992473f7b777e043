import { Module } from '@nestjs/common';
import { ProofsModule } from '../proofs/proofs.module';
import { QuotasModule } from '../quotas/quotas.module';
import { GatewayController } from './gateway.controller';
import { GatewayRepository } from './gateway.repository';
import { GatewayService } from './gateway.service';

@Module({
  imports: [ProofsModule, QuotasModule],
  controllers: [GatewayController],
  providers: [GatewayService, GatewayRepository],
})
export class GatewayModule {}
