import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { ReasonQuery } from '../audit/dto/reason.dto';
import { ActsForOthers, CurrentActor, CurrentPrincipal, Scopes } from '../common/access.decorators';
import { type Actor, because, type Principal } from '../common/principal';
import { etagOf } from '../http/etag';
import { IdParam } from '../http/id-param.pipe';
import { NotFoundProblem } from '../http/problem';
import { type IdempotentCall, MaybeRetried } from '../idempotency/idempotency-key';
import { Creates, Fails, Preconditions, Versioned } from '../openapi/declarations';
import { AdminFields } from '../users/users.errors';
import { CreateWebhookEndpointDto } from './dto/create-webhook-endpoint.dto';
import { ListWebhookEndpointsQuery } from './dto/list-webhook-endpoints.dto';
import { UpdateWebhookEndpointDto } from './dto/update-webhook-endpoint.dto';
import { NewWebhookEndpointDto, RotatedSecretDto, WebhookEndpointDto, WebhookEndpointPage } from './dto/webhook-endpoint.dto';
import { EndpointsService } from './endpoints.service';
import { TooManyWebhookEndpoints } from './webhooks.errors';

/** What the header of an answer with a new endpoint bears: the tag is that of the endpoint as it is read, without its secret. */
const made = ({ secret: _, ...endpoint }: NewWebhookEndpointDto) => ({ etag: etagOf(endpoint), location: `/v1/webhook-endpoints/${endpoint.id}` });

@ApiTags('webhooks')
@Controller('v1/webhook-endpoints')
export class EndpointsController {
  constructor(private readonly endpoints: EndpointsService) {}

  /** Webhook endpoints, newest first: one's own, and for administrators everybody's. */
  @Get()
  @Scopes('webhooks:read')
  @ActsForOthers('viewer')
  @Fails(AdminFields)
  list(@CurrentPrincipal() principal: Principal, @Query() query: ListWebhookEndpointsQuery): Promise<WebhookEndpointPage> {
    return this.endpoints.list(principal, query);
  }

  /** One webhook endpoint. */
  @Get(':endpointId')
  @Scopes('webhooks:read')
  @ActsForOthers('viewer')
  @Versioned()
  @Fails(NotFoundProblem)
  async get(
    @CurrentPrincipal() principal: Principal,
    @Param('endpointId', IdParam) id: number,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<WebhookEndpointDto> {
    const endpoint = await this.endpoints.get(principal, id);
    void reply.header('etag', etagOf(endpoint));
    return endpoint;
  }

  /** Makes a webhook endpoint. Its secret is in this answer and nowhere else: repeated under an `Idempotency-Key`, `secret` is null; rotate it if the first answer was lost. */
  @Post()
  @Scopes('webhooks:write')
  @Creates(NewWebhookEndpointDto, { etag: true })
  @Fails(AdminFields, TooManyWebhookEndpoints)
  async create(
    @CurrentPrincipal() principal: Principal,
    @CurrentActor() actor: Actor,
    @Body() dto: CreateWebhookEndpointDto,
    @MaybeRetried('webhook-endpoints.create', made) call: IdempotentCall | null,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<NewWebhookEndpointDto> {
    const endpoint = await this.endpoints.create({ principal, actor: because(actor, dto.reason) }, dto, call);
    void reply.headers(made(endpoint));
    return endpoint;
  }

  /** Changes a webhook endpoint, disables it or enables it again. */
  @Patch(':endpointId')
  @Scopes('webhooks:write')
  @Versioned()
  @Preconditions('optional')
  @Fails(NotFoundProblem)
  async update(
    @CurrentPrincipal() principal: Principal,
    @CurrentActor() actor: Actor,
    @Param('endpointId', IdParam) id: number,
    @Body() dto: UpdateWebhookEndpointDto,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<WebhookEndpointDto> {
    const endpoint = await this.endpoints.update({ principal, actor: because(actor, dto.reason) }, id, dto, ifMatch);
    void reply.header('etag', etagOf(endpoint));
    return endpoint;
  }

  /** Removes a webhook endpoint, with its deliveries: none that waits is sent any more. */
  @Delete(':endpointId')
  @Scopes('webhooks:write')
  @HttpCode(204)
  @Preconditions('optional')
  @Fails(NotFoundProblem)
  async delete(
    @CurrentPrincipal() principal: Principal,
    @CurrentActor() actor: Actor,
    @Param('endpointId', IdParam) id: number,
    @Query() { reason }: ReasonQuery,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    await this.endpoints.delete({ principal, actor: because(actor, reason) }, id, ifMatch);
  }

  /** Gives the endpoint a new secret. Until `previousExpiresAt` deliveries bear the signatures of both. Repeated under an `Idempotency-Key`, nothing happens and `secret` is null. */
  @Post(':endpointId/rotate-secret')
  @Scopes('webhooks:write')
  @HttpCode(200)
  @Fails(NotFoundProblem)
  rotateSecret(
    @CurrentPrincipal() principal: Principal,
    @CurrentActor() actor: Actor,
    @Param('endpointId', IdParam) id: number,
    @Query() { reason }: ReasonQuery,
    @MaybeRetried('webhook-endpoints.rotate-secret') call: IdempotentCall | null,
  ): Promise<RotatedSecretDto> {
    return this.endpoints.rotateSecret({ principal, actor: because(actor, reason) }, id, call);
  }
}
