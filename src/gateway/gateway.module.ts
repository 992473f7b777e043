import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module';
import { LedgerModule } from '../ledger/ledger.module';
import { ProofsModule } from '../proofs/proofs.module';
import { QuotasModule } from '../quotas/quotas.module';
import { GatewayController } from './gateway.controller';
import { GatewayRepository } from './gateway.repository';
import { GatewayService } from './gateway.service';
import { UncountedCalls } from './uncounted-calls';
import { UncountedReport } from './uncounted-report.service';

@Module({
  imports: [AuditModule, LedgerModule, ProofsModule, QuotasModule],
  controllers: [GatewayController],
  providers: [GatewayService, GatewayRepository, UncountedCalls, UncountedReport],
  exports: [UncountedCalls],
})
export class GatewayModule {}
