import { Body, Controller, Delete, Get, HttpCode, Post, Put, Query, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { ReasonQuery } from '../audit/dto/reason.dto';
import { ActsForOthers, type AuthenticatedRequest, CurrentActor, OperatorsOnly, Scopes } from '../common/access.decorators';
import { type Actor, because } from '../common/principal';
import { ReplicaReads } from '../database/replica-reads';
import { NotFoundProblem } from '../http/problem';
import { SubjectId, UserIdParam } from '../http/subject.decorator';
import { Fails, MayBeReplicas } from '../openapi/declarations';
import { BurstLimiter } from './burst-limiter';
import { PutOverrideDto } from './dto/put-override.dto';
import { QuotaDto } from './dto/quota.dto';
import { ResetQuotaDto } from './dto/reset-quota.dto';
import { UsageDto, UsageQuery } from './dto/usage.dto';
import { ShowsRateLimit } from './metered.decorators';
import { QuotasService } from './quotas.service';
import { rateLimitFields } from './rate-limit-fields';

@ApiTags('quotas')
@UserIdParam()
@Fails(NotFoundProblem)
@Controller('v1/users/:userId')
export class QuotasController {
  constructor(
    private readonly quotas: QuotasService,
    private readonly burst: BurstLimiter,
    private readonly reads: ReplicaReads,
  ) {}

  /** What is left today. Reading costs nothing. */
  @Get('quota')
  @ShowsRateLimit()
  @Scopes('quota:read')
  @ActsForOthers('viewer')
  async get(@SubjectId('service') userId: number, @Res({ passthrough: true }) reply: FastifyReply): Promise<QuotaDto> {
    const { quota, state } = await this.quotas.get(userId);
    void reply.headers(rateLimitFields(state, null, this.burst.look(userId, state.tier)));
    return quota;
  }

  /** One item a day, today included; days without a request are zero. */
  @Get('usage')
  @Scopes('quota:read')
  @ActsForOthers('viewer')
  @MayBeReplicas()
  async usage(
    @SubjectId('service') userId: number,
    @Query() query: UsageQuery,
    @Req() request: AuthenticatedRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UsageDto> {
    return { items: await this.reads.answer(request, reply, (from) => this.quotas.usage(userId, query, from)) };
  }

  /** A temporary quota that ends by the clock. */
  @Put('quota/override')
  @OperatorsOnly('support')
  putOverride(@CurrentActor() actor: Actor, @SubjectId() userId: number, @Body() dto: PutOverrideDto): Promise<QuotaDto> {
    return this.quotas.putOverride(actor, userId, dto);
  }

  /** Ends the temporary quota now. */
  @Delete('quota/override')
  @OperatorsOnly('support')
  @HttpCode(204)
  async deleteOverride(@CurrentActor() actor: Actor, @SubjectId() userId: number, @Query() { reason }: ReasonQuery): Promise<void> {
    await this.quotas.deleteOverride(because(actor, reason), userId);
  }

  /** Gives back all that was charged in this period, as refunds in the ledger. */
  @Post('quota/reset')
  @OperatorsOnly('support')
  @HttpCode(200)
  reset(@CurrentActor() actor: Actor, @SubjectId() userId: number, @Body() { reason }: ResetQuotaDto): Promise<QuotaDto> {
    return this.quotas.reset(actor, userId, reason);
  }
}
