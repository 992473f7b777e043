import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiNoContentResponse, ApiOkResponse, ApiProduces, ApiTags } from '@nestjs/swagger';
import { RouteConfig } from '@nestjs/platform-fastify';
import { type FastifyReply } from 'fastify';
import { ReasonQuery } from '../audit/dto/reason.dto';
import { ActsForOthers, type AuthenticatedRequest, BoundedOtherwise, CurrentActor, CurrentPrincipal, Scopes } from '../common/access.decorators';
import { type Actor, because, type Principal } from '../common/principal';
import { ReplicaReads } from '../database/replica-reads';
import { ReadsBody } from '../http/body.guard';
import { ITEMS_APART } from '../http/json-items';
import { NotFoundProblem } from '../http/problem';
import { checkBody } from '../http/validation.pipe';
import { type IdempotentCall, MaybeRetried, parseIdempotencyKey } from '../idempotency/idempotency-key';
import { Repeatable } from '../idempotency/repeatable.decorator';
import { Creates, declares, Fails, MayBeReplicas } from '../openapi/declarations';
import { Charges } from '../quotas/metered.decorators';
import { BatchService } from './batch.service';
import { CancelService } from './cancel.service';
import { BatchAnswerDto, BatchDto } from './dto/batch.dto';
import { CanceledRequestDto } from './dto/canceled-request.dto';
import { FollowRequestsQuery } from './dto/follow-requests.dto';
import { ListRequestsQuery } from './dto/list-requests.dto';
import { RequestDetailDto } from './dto/request-detail.dto';
import { RequestDto, RequestPage } from './dto/request.dto';
import { SubmitRequestDto } from './dto/submit-request.dto';
import { EventStreams } from './following/event-streams';
import { FinalWait } from './following/final-wait';
import { HeldCalls } from './following/held-calls';
import { ListStreams } from './following/list-streams';
import { preferredWait } from './following/prefer';
import { JSON_TYPE } from './item-answers';
import { PayloadTooLarge, RequestFinal, TooManyStreams } from './requests.errors';
import { RequestsService } from './requests.service';
import { SubmitService } from './submitting/submit.service';

@ApiTags('requests')
@Controller('v1/requests')
export class RequestsController {
  constructor(
    private readonly submits: SubmitService,
    private readonly batches: BatchService,
    private readonly requests: RequestsService,
    private readonly cancels: CancelService,
    private readonly waits: FinalWait,
    private readonly streams: EventStreams,
    private readonly listStreams: ListStreams,
    private readonly calls: HeldCalls,
    private readonly reads: ReplicaReads,
  ) {}

  /**
   * Submits a request and charges its cost. It is on disk when this answers 201. With `Prefer: wait=N` the answer is held
   * until the request has ended, for N seconds at most.
   */
  @Post()
  @BoundedOtherwise()
  @Scopes('requests:write')
  @Charges()
  @Repeatable()
  @Creates(RequestDto)
  @declares({ answers: { fields: ['Preference-Applied?'] } })
  @Fails(NotFoundProblem, PayloadTooLarge, TooManyStreams)
  @ApiHeader({
    name: 'Prefer',
    required: false,
    description: '`wait=10`: answer when the request has ended, or after so many seconds.',
    schema: { type: 'string', maxLength: 100 },
  })
  @ReadsBody(SubmitRequestDto)
  async submit(@Req() request: AuthenticatedRequest, @Res() reply: FastifyReply): Promise<void> {
    // The hot route: it reads and answers by itself, because Nest would make a promise of each parameter and look through
    // the answer for streams. Guard, validation, errors and the document are those of any other route.
    const dto = checkBody(SubmitRequestDto, request.body);
    const waitSeconds = preferredWait(request.headers.prefer);
    if (waitSeconds !== null) return this.submitAndWait(request, reply, dto, waitSeconds);
    const key = parseIdempotencyKey(request.headers['idempotency-key']);
    const submitted = await this.submits.submit(request.principal, dto, key, () => request.raw.socket.destroyed);
    void reply.status(201).headers(submitted.headers).header('content-type', JSON_TYPE).send(submitted.json);
  }

  /** The place to wait is taken before anything is charged. */
  private async submitAndWait(request: AuthenticatedRequest, reply: FastifyReply, dto: SubmitRequestDto, waitSeconds: number): Promise<void> {
    const call = this.calls.hold('long polls', request);
    try {
      const key = parseIdempotencyKey(request.headers['idempotency-key']);
      const { id, json, headers } = await this.submits.submit(request.principal, dto, key, () => request.raw.socket.destroyed);
      const final = await this.waits.until(call, dto.userId ?? request.principal.userId, id, waitSeconds * 1_000);
      void reply.status(201).headers(headers).header('content-type', JSON_TYPE);
      void reply.header('preference-applied', `wait=${waitSeconds}`).send(final === null ? json : JSON.stringify(final));
    } finally {
      this.calls.release(call);
    }
  }

  /**
   * Submits up to 100 requests in one call. Each has its own answer, in order; one may be refused while others pass. An
   * `Idempotency-Key` covers the whole call: once anything of it was charged, its repetition gets the same answer.
   */
  @Post('batch')
  @RouteConfig({ [ITEMS_APART]: true })
  @BoundedOtherwise()
  @HttpCode(200)
  @Scopes('requests:write')
  @ApiOkResponse({ type: BatchAnswerDto })
  async batch(
    @Req() request: AuthenticatedRequest,
    @Body() { items }: BatchDto,
    @MaybeRetried('requests.batch') call: IdempotentCall | null,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const answer = await this.batches.submit(request.principal, items, call, request.id, () => request.raw.socket.destroyed);
    void reply.status(200).header('content-type', JSON_TYPE).send(answer);
  }

  /** Requests, newest first. A page ends early, with a cursor, where it would be longer than a megabyte. */
  @Get()
  @Scopes('requests:read')
  @ActsForOthers('viewer')
  @Fails(NotFoundProblem)
  @ApiOkResponse({ type: RequestPage })
  @MayBeReplicas()
  async list(@Req() request: AuthenticatedRequest, @Query() query: ListRequestsQuery, @Res() reply: FastifyReply): Promise<void> {
    const page = await this.reads.answer(request, reply, (from) => this.requests.list(request.principal, query, from));
    void reply.status(200).header('content-type', JSON_TYPE).send(page);
  }

  /**
   * Reports that the list of requests is to be read anew, as server-sent events (`changed`, without data): when a request was made, or its
   * status changed, and every 15 s besides. Once a second at the utmost.
   */
  @Get('events')
  @Scopes('requests:read')
  @ActsForOthers('viewer')
  @Fails(NotFoundProblem, TooManyStreams)
  @declares({ answers: { status: 200, fields: ['X-Accel-Buffering?'] } })
  @ApiProduces('text/event-stream')
  @ApiOkResponse({ description: 'One event for all that changed since the one before.', schema: { type: 'string' } })
  async follow(@Req() request: AuthenticatedRequest, @Query() { userId }: FollowRequestsQuery, @Res() reply: FastifyReply): Promise<void> {
    await this.listStreams.open(userId, request, reply);
  }

  /** One request, with its attempts. */
  @Get(':id')
  @Scopes('requests:read')
  @ActsForOthers('viewer')
  @Fails(NotFoundProblem)
  get(@CurrentPrincipal() principal: Principal, @Param('id') id: string): Promise<RequestDetailDto> {
    return this.requests.get(principal, id);
  }

  /**
   * The changes of a request's status as server-sent events (`status`), from the first one or after `Last-Event-ID`, until
   * the request has ended. 204 when there is nothing more to send.
   */
  @Get(':id/events')
  @Scopes('requests:read')
  @ActsForOthers('viewer')
  @Fails(NotFoundProblem, TooManyStreams)
  @declares({ answers: { status: 200, fields: ['X-Accel-Buffering?'] } })
  @ApiProduces('text/event-stream')
  @ApiHeader({
    name: 'Last-Event-ID',
    required: false,
    description: 'The id of the last event that you had; a browser sends it by itself.',
    schema: { type: 'string', maxLength: 100 },
  })
  @ApiOkResponse({ description: 'The changes, as they come.', schema: { type: 'string' } })
  @ApiNoContentResponse({ description: 'The request has ended and its last event was received: there is nothing more to follow.' })
  async events(@Req() request: AuthenticatedRequest, @Param('id') id: string, @Res() reply: FastifyReply): Promise<void> {
    await this.streams.open(id, request, reply);
  }

  /**
   * Cancels a request. One that waits is canceled at once. One that is carried out is asked to stop: its worker learns of it at
   * the next heartbeat, and until then it stays `processing`. 409 once it has ended.
   */
  @Post(':id/cancel')
  @BoundedOtherwise()
  @HttpCode(200)
  @Scopes('requests:write')
  @ActsForOthers('support')
  @Fails(NotFoundProblem, RequestFinal)
  @ApiOkResponse({ type: CanceledRequestDto })
  async cancel(
    @CurrentPrincipal() principal: Principal,
    @CurrentActor() actor: Actor,
    @Param('id') id: string,
    @Query() { reason }: ReasonQuery,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    void reply.header('content-type', JSON_TYPE).send(await this.cancels.cancel(principal, because(actor, reason), id));
  }
}
