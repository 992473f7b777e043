import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ActsForOthers, CurrentPrincipal, Scopes } from '../common/access.decorators';
import { type Principal } from '../common/principal';
import { NotFoundProblem } from '../http/problem';
import { Fails } from '../openapi/declarations';
import { EventPage } from './dto/event.dto';
import { ListEventsQuery } from './dto/list-events.dto';
import { EventsService } from './events.service';

@ApiTags('events')
@Controller('v1/events')
export class EventsController {
  constructor(private readonly events: EventsService) {}

  /**
   * What happened, newest first; kept for `webhooks.retentionDays`. A new event appears at the newer end and nowhere else: read until the last
   * one that you know, and you have missed none. `request.*` and `quota.*` are recorded where somebody listens to them.
   */
  @Get()
  @Scopes('requests:read')
  @ActsForOthers('viewer')
  @Fails(NotFoundProblem)
  list(@CurrentPrincipal() principal: Principal, @Query() query: ListEventsQuery): Promise<EventPage> {
    return this.events.list(principal, query);
  }
}
