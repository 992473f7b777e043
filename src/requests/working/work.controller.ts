import { Body, Controller, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { RouteConfig } from '@nestjs/platform-fastify';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { type AuthenticatedRequest, BoundedOtherwise, Scopes } from '../../common/access.decorators';
import { ITEMS_APART } from '../../http/json-items';
import { NotFoundProblem } from '../../http/problem';
import { Fails } from '../../openapi/declarations';
import { BatchService } from '../batch.service';
import { BatchAnswerDto } from '../dto/batch.dto';
import { ClaimAnswerDto, ClaimDto } from '../dto/claim.dto';
import { RequestDto } from '../dto/request.dto';
import { CompleteAllDto, CompleteDto, FailDto, HeartbeatDto, LeaseDto } from '../dto/work.dto';
import { HeldCalls } from '../following/held-calls';
import { itemAnswers, JSON_TYPE } from '../item-answers';
import { ErrorTooLarge, RequestFinal, ResultTooLarge, StaleAttempt, TooManyStreams } from '../requests.errors';
import { ClaimsService } from './claims.service';
import { WorkService } from './work.service';

@ApiTags('work')
@BoundedOtherwise()
@Controller('v1/requests')
export class WorkController {
  constructor(
    private readonly claims: ClaimsService,
    private readonly calls: HeldCalls,
    private readonly work: WorkService,
    private readonly batches: BatchService,
  ) {}

  /**
   * Takes requests to carry out, oldest first and users in turn. Each is the worker's until its lease runs out. With
   * `waitSeconds` the answer comes as soon as there is something, and is empty when the time is over.
   */
  @Post('claim')
  @HttpCode(200)
  @Scopes('worker')
  @Fails(TooManyStreams)
  @ApiOkResponse({ type: ClaimAnswerDto })
  async claim(@Req() request: AuthenticatedRequest, @Body() dto: ClaimDto, @Res() reply: FastifyReply): Promise<void> {
    const items = dto.waitSeconds ? await this.claimOrWait(request, dto) : await this.claims.claim(dto);
    void reply.header('content-type', JSON_TYPE).send(`{"items":[${items.join()}]}`);
  }

  private async claimOrWait(request: AuthenticatedRequest, dto: ClaimDto): Promise<string[]> {
    const call = this.calls.hold('long polls', request);
    try {
      return await this.claims.claimOrWait(dto, call);
    } finally {
      this.calls.release(call);
    }
  }

  /** Extends the lease, and shows whether the request is still wanted. 409 when the attempt is over. */
  @Post(':id/heartbeat')
  @HttpCode(200)
  @Scopes('worker')
  @Fails(NotFoundProblem, RequestFinal, StaleAttempt)
  heartbeat(@Param('id') id: string, @Body() dto: HeartbeatDto): Promise<LeaseDto> {
    return this.work.heartbeat(id, dto);
  }

  /** Delivers the result. Fewer units than the cost: the rest goes back. 409 when the attempt is over. */
  @Post(':id/complete')
  @HttpCode(200)
  @Scopes('worker')
  @Fails(NotFoundProblem, RequestFinal, StaleAttempt, ResultTooLarge)
  @ApiOkResponse({ type: RequestDto })
  async complete(@Param('id') id: string, @Body() dto: CompleteDto, @Res() reply: FastifyReply): Promise<void> {
    void reply.header('content-type', JSON_TYPE).send(await this.work.complete(id, dto));
  }

  /** Delivers the results of up to 100 requests in one call. Each has its own answer, in order; one may be refused while others pass. */
  @Post('complete')
  @RouteConfig({ [ITEMS_APART]: true })
  @HttpCode(200)
  @Scopes('worker')
  @ApiOkResponse({ type: BatchAnswerDto })
  async completeAll(@Req() request: FastifyRequest, @Body() { items }: CompleteAllDto, @Res() reply: FastifyReply): Promise<void> {
    const outcomes = await this.batches.complete(items);
    void reply
      .status(200)
      .header('content-type', JSON_TYPE)
      .send(itemAnswers(outcomes, 200, request.id));
  }

  /** Reports a failure; `retryable` ones are begun again after a pause while attempts are left. 409 when the attempt is over. */
  @Post(':id/fail')
  @HttpCode(200)
  @Scopes('worker')
  @Fails(NotFoundProblem, RequestFinal, StaleAttempt, ErrorTooLarge)
  @ApiOkResponse({ type: RequestDto })
  async fail(@Param('id') id: string, @Body() dto: FailDto, @Res() reply: FastifyReply): Promise<void> {
    void reply.header('content-type', JSON_TYPE).send(await this.work.fail(id, dto));
  }
}
