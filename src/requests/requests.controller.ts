import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiBody, ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { type AuthenticatedRequest, CurrentPrincipal, Scopes } from '../common/access.decorators';
import { type Principal } from '../common/principal';
import { checkBody } from '../common/validation.pipe';
import { parseIdempotencyKey } from '../idempotency/idempotency-key';
import { BatchService } from './batch.service';
import { CancelService } from './cancel.service';
import { BatchAnswerDto, BatchDto } from './dto/batch.dto';
import { CanceledRequestDto } from './dto/canceled-request.dto';
import { ListRequestsQuery } from './dto/list-requests.dto';
import { RequestDto, RequestPage } from './dto/request.dto';
import { SubmitRequestDto } from './dto/submit-request.dto';
import { RequestsService } from './requests.service';
import { SubmitService } from './submit.service';

const JSON_TYPE = 'application/json; charset=utf-8';

@ApiTags('requests')
@Controller('v1/requests')
export class RequestsController {
  constructor(
    private readonly submits: SubmitService,
    private readonly batches: BatchService,
    private readonly requests: RequestsService,
    private readonly cancels: CancelService,
  ) {}

  /** Submits a request and charges its cost. It is on disk when this answers 201. */
  @Post()
  @Scopes('requests:write')
  @ApiBody({ type: SubmitRequestDto })
  @ApiCreatedResponse({ type: RequestDto })
  async submit(@Req() request: AuthenticatedRequest, @Res() reply: FastifyReply): Promise<void> {
    // The hot route: it reads and answers by itself, because Nest would make a promise of each parameter and look through
    // the answer for streams. Guard, validation, errors and the document are those of any other route.
    const dto = checkBody(SubmitRequestDto, request.body);
    const key = parseIdempotencyKey(request.headers['idempotency-key']);
    const { json, headers } = await this.submits.submit(request.principal, dto, key, () => request.raw.socket.destroyed);
    void reply.status(201).headers(headers).header('content-type', JSON_TYPE).send(json);
  }

  /** Submits up to 100 requests in one call. Each has its own answer, in order; one may be refused while others pass. */
  @Post('batch')
  @HttpCode(200)
  @Scopes('requests:write')
  @ApiOkResponse({ type: BatchAnswerDto })
  async batch(@Req() request: AuthenticatedRequest, @Body() { items }: BatchDto, @Res() reply: FastifyReply): Promise<void> {
    const key = parseIdempotencyKey(request.headers['idempotency-key']);
    const instance = `urn:quotidian:request:${request.id}`;
    const json = await this.batches.submit(request.principal, items, key, instance, () => request.raw.socket.destroyed);
    void reply.status(200).header('content-type', JSON_TYPE).send(json);
  }

  /** Requests, newest first. */
  @Get()
  @Scopes('requests:read')
  list(@CurrentPrincipal() principal: Principal, @Query() query: ListRequestsQuery): Promise<RequestPage> {
    return this.requests.list(principal, query);
  }

  @Get(':id')
  @Scopes('requests:read')
  get(@CurrentPrincipal() principal: Principal, @Param('id') id: string): Promise<RequestDto> {
    return this.requests.get(principal, id);
  }

  /**
   * Cancels a request. One that waits is canceled at once. One that is carried out is asked to stop: its worker hears so at
   * the next heartbeat, and until then it stays `processing`. 409 once it has ended.
   */
  @Post(':id/cancel')
  @HttpCode(200)
  @Scopes('requests:write')
  cancel(@CurrentPrincipal() principal: Principal, @Param('id') id: string): Promise<CanceledRequestDto> {
    return this.cancels.cancel(principal, id);
  }
}
