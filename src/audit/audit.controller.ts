import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { OperatorsOnly } from '../common/access.decorators';
import { AuditService } from './audit.service';
import { AuditEventPage } from './dto/audit-event-page.dto';
import { ListAuditEventsQuery } from './dto/list-audit-events.dto';

@ApiTags('audit')
@Controller('v1/audit-events')
export class AuditController {
  constructor(private readonly audit: AuditService) {}

  /** Administrative changes, newest first. */
  @Get()
  @OperatorsOnly('viewer')
  list(@Query() query: ListAuditEventsQuery): Promise<AuditEventPage> {
    return this.audit.list(query);
  }
}
