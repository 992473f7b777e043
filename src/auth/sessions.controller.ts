import { Controller, Delete, Get, HttpCode, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ReasonQuery } from '../audit/dto/reason.dto';
import { AccountOwner, CurrentActor, CurrentPrincipal } from '../common/access.decorators';
import { type Actor, because, type Principal } from '../common/principal';
import { ListQuery } from '../http/list-query.dto';
import { NotFoundProblem } from '../http/problem';
import { SubjectId, UserIdParam } from '../http/subject.decorator';
import { Fails } from '../openapi/declarations';
import { EndSessionsQuery } from './dto/end-sessions.dto';
import { SessionPage } from './dto/session.dto';
import { SessionListService } from './session-list.service';

@ApiTags('auth')
@UserIdParam()
@Fails(NotFoundProblem)
@Controller('v1/users/:userId/sessions')
export class SessionsController {
  constructor(private readonly sessions: SessionListService) {}

  /** The user's sessions that go on, newest first. */
  @Get()
  @AccountOwner()
  list(@CurrentPrincipal() principal: Principal, @SubjectId() userId: number, @Query() query: ListQuery): Promise<SessionPage> {
    return this.sessions.list(principal, userId, query);
  }

  /** Ends one session: its tokens, streams and long polls stop everywhere within a second. */
  @Delete(':sessionId')
  @AccountOwner()
  @HttpCode(204)
  async end(@CurrentActor() actor: Actor, @SubjectId() userId: number, @Param('sessionId') sessionId: string, @Query() { reason }: ReasonQuery): Promise<void> {
    await this.sessions.end(because(actor, reason), userId, sessionId);
  }

  /** Ends all sessions of the user; with `keepCurrent=true` all but the one of this call. */
  @Delete()
  @AccountOwner()
  @HttpCode(204)
  async endAll(
    @CurrentPrincipal() principal: Principal,
    @CurrentActor() actor: Actor,
    @SubjectId() userId: number,
    @Query() { reason, keepCurrent }: EndSessionsQuery,
  ): Promise<void> {
    await this.sessions.endAll(because(actor, reason), userId, keepCurrent === true ? principal.sessionId : null);
  }
}
