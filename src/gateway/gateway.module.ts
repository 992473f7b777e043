import { Module } from '@nestjs/common';
import { QuotasModule } from '../quotas/quotas.module';
import { GatewayController } from './gateway.controller';
import { GatewayService } from './gateway.service';

@Module({
  imports: [QuotasModule],
  controllers: [GatewayController],
  providers: [GatewayService],
})
export class GatewayModule {}
