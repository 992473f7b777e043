import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuditController } from './audit.controller';
import { AuditService } from './audit.service';
import { AuditChainRepository } from './audit-chain.repository';
import { AuditChainService } from './audit-chain.service';
import { AuditLogRepository } from './audit-log.repository';
import { AuditRedactionRepository } from './audit-redaction.repository';
import { AuditRedactionService } from './audit-redaction.service';
import { AuditEvent } from './entities/audit-event.entity';
import { AuditLink } from './entities/audit-link.entity';
import { UnsealedEvent } from './entities/unsealed-event.entity';

@Module({
  imports: [TypeOrmModule.forFeature([AuditEvent, AuditLink, UnsealedEvent])],
  controllers: [AuditController],
  providers: [AuditService, AuditLogRepository, AuditChainRepository, AuditChainService, AuditRedactionRepository, AuditRedactionService],
  exports: [AuditService, AuditChainService],
})
export class AuditModule {}
