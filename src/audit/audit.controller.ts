import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { type AuthenticatedRequest, OperatorsOnly } from '../common/access.decorators';
import { ReplicaReads } from '../database/replica-reads';
import { MayBeReplicas } from '../openapi/declarations';
import { AuditService } from './audit.service';
import { AuditEventPage } from './dto/audit-event-page.dto';
import { ListAuditEventsQuery } from './dto/list-audit-events.dto';

@ApiTags('audit')
@Controller('v1/audit-events')
export class AuditController {
  constructor(
    private readonly audit: AuditService,
    private readonly reads: ReplicaReads,
  ) {}

  /** Administrative changes, newest first. */
  @Get()
  @OperatorsOnly('viewer')
  @MayBeReplicas()
  list(@Query() query: ListAuditEventsQuery, @Req() request: AuthenticatedRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<AuditEventPage> {
    return this.reads.answer(request, reply, (from) => this.audit.list(query, from));
  }
}
