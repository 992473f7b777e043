import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { ReasonQuery } from '../audit/dto/reason.dto';
import { ActsForOthers, AdminOnly, CurrentActor, Scopes } from '../common/access.decorators';
import { type Actor, because } from '../common/principal';
import { IdParam } from '../http/id-param.pipe';
import { ListQuery } from '../http/list-query.dto';
import { NotFoundProblem } from '../http/problem';
import { SubjectId, subjectIn, UserIdParam } from '../http/subject.decorator';
import { type IdempotentCall, MaybeRetried } from '../idempotency/idempotency-key';
import { Creates, Fails } from '../openapi/declarations';
import { CreateGrantDto } from './dto/create-grant.dto';
import { GrantDto, GrantPage } from './dto/grant.dto';
import { TooManyGrants } from './grants.errors';
import { GrantsService } from './grants.service';

/** What the header of an answer with a new grant bears. */
const made = (userId: number, { id }: GrantDto) => ({ location: `/v1/users/${userId}/quota/grants/${id}` });

@ApiTags('quotas')
@UserIdParam()
@Fails(NotFoundProblem)
@Controller('v1/users/:userId/quota/grants')
export class GrantsController {
  constructor(private readonly grants: GrantsService) {}

  /** The user's grants, those that ended too, newest first. */
  @Get()
  @Scopes('quota:read')
  @ActsForOthers('viewer')
  list(@SubjectId('service') userId: number, @Query() query: ListQuery): Promise<GrantPage> {
    return this.grants.list(userId, query);
  }

  /** One grant, with what is left of it. */
  @Get(':grantId')
  @Scopes('quota:read')
  @ActsForOthers('viewer')
  get(@SubjectId('service') userId: number, @Param('grantId', IdParam) grantId: number): Promise<GrantDto> {
    return this.grants.get(userId, grantId);
  }

  /** Grants units once, beside the day's own: they are drawn when those are used up, and in force with the answer. */
  @Post()
  @AdminOnly()
  @Creates(GrantDto)
  @Fails(TooManyGrants)
  async create(
    @CurrentActor() actor: Actor,
    @SubjectId() userId: number,
    @Body() dto: CreateGrantDto,
    @MaybeRetried('grants.create', (grant: GrantDto, request) => made(subjectIn(request), grant)) call: IdempotentCall | null,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<GrantDto> {
    const grant = await this.grants.create(actor, userId, dto, call);
    void reply.headers(made(userId, grant));
    return grant;
  }

  /** Ends a grant now. What it has paid stays paid. */
  @Delete(':grantId')
  @AdminOnly()
  @HttpCode(204)
  async revoke(
    @CurrentActor() actor: Actor,
    @SubjectId() userId: number,
    @Param('grantId', IdParam) grantId: number,
    @Query() { reason }: ReasonQuery,
  ): Promise<void> {
    await this.grants.revoke(because(actor, reason), userId, grantId);
  }
}
