import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { ActsForOthers, type AuthenticatedRequest, Scopes } from '../common/access.decorators';
import { ReplicaReads } from '../database/replica-reads';
import { NotFoundProblem } from '../http/problem';
import { Fails, MayBeReplicas } from '../openapi/declarations';
import { EventPage } from './dto/event.dto';
import { ListEventsQuery } from './dto/list-events.dto';
import { EventsService } from './events.service';

@ApiTags('events')
@Controller('v1/events')
export class EventsController {
  constructor(
    private readonly events: EventsService,
    private readonly reads: ReplicaReads,
  ) {}

  /**
   * What happened, newest first; kept for `webhooks.retentionDays`. A new event appears at the newer end and nowhere else: read until the last
   * one that you know, and you have missed none. `request.*` and `quota.*` are recorded where somebody listens to them.
   */
  @Get()
  @Scopes('requests:read')
  @ActsForOthers('viewer')
  @Fails(NotFoundProblem)
  @MayBeReplicas()
  list(@Query() query: ListEventsQuery, @Req() request: AuthenticatedRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<EventPage> {
    return this.reads.answer(request, reply, (from) => this.events.list(request.principal, query, from));
  }
}
