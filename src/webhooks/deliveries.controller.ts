import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { ReasonQuery } from '../audit/dto/reason.dto';
import { ActsForOthers, type Caller, CurrentActor, CurrentCaller, CurrentPrincipal, Scopes } from '../common/access.decorators';
import { type Actor, because, type Principal } from '../common/principal';
import { BigIdParam } from '../http/big-id-param.pipe';
import { IdParam } from '../http/id-param.pipe';
import { NotFoundProblem } from '../http/problem';
import { Creates, Fails } from '../openapi/declarations';
import { DeliveriesService } from './deliveries.service';
import { ListWebhookDeliveriesQuery } from './dto/list-webhook-deliveries.dto';
import { ReplayWebhooksDto, WebhookReplayDto } from './dto/replay-webhooks.dto';
import { WebhookDeliveryDetailsDto, WebhookDeliveryPage } from './dto/webhook-delivery.dto';
import { ReplayService } from './replay.service';
import { EndpointDisabled, ReplayUnderWay } from './webhooks.errors';

@ApiTags('webhooks')
@Fails(NotFoundProblem)
@Controller('v1')
export class DeliveriesController {
  constructor(
    private readonly deliveries: DeliveriesService,
    private readonly replays: ReplayService,
  ) {}

  /** What was sent to the endpoint, newest first; kept for `webhooks.retentionDays`. */
  @Get('webhook-endpoints/:endpointId/deliveries')
  @Scopes('webhooks:read')
  @ActsForOthers('viewer')
  list(
    @CurrentPrincipal() principal: Principal,
    @Param('endpointId', IdParam) endpointId: number,
    @Query() query: ListWebhookDeliveriesQuery,
  ): Promise<WebhookDeliveryPage> {
    return this.deliveries.list(principal, endpointId, query);
  }

  /** One delivery with each of its attempts: status, duration, and the beginning of the answer. */
  @Get('webhook-deliveries/:deliveryId')
  @Scopes('webhooks:read')
  @ActsForOthers('viewer')
  get(@CurrentPrincipal() principal: Principal, @Param('deliveryId', BigIdParam) id: string): Promise<WebhookDeliveryDetailsDto> {
    return this.deliveries.get(principal, id);
  }

  /**
   * Sends a `webhook.test` to the endpoint, whatever events it asked for, and answers the delivery with its first attempt. `attempts` is empty where that
   * takes longer than five seconds, or the endpoint's user is suspended: read the delivery later for what came of it.
   */
  @Post('webhook-endpoints/:endpointId/test')
  @Scopes('webhooks:write')
  @Creates(WebhookDeliveryDetailsDto)
  @Fails(EndpointDisabled)
  async test(
    @CurrentCaller() { principal, actor }: Caller,
    @Param('endpointId', IdParam) endpointId: number,
    @Query() { reason }: ReasonQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<WebhookDeliveryDetailsDto> {
    const delivery = await this.deliveries.test({ principal, actor: because(actor, reason) }, endpointId);
    void reply.header('location', `/v1/webhook-deliveries/${delivery.id}`);
    return delivery;
  }

  /** Sends the delivery once more, whatever became of it, with the same `webhook-id`; where that fails, by the whole plan of tries. */
  @Post('webhook-deliveries/:deliveryId/resend')
  @Scopes('webhooks:write')
  @HttpCode(200)
  @Fails(EndpointDisabled)
  resend(
    @CurrentCaller() { principal, actor }: Caller,
    @Param('deliveryId', BigIdParam) id: string,
    @Query() { reason }: ReasonQuery,
  ): Promise<WebhookDeliveryDetailsDto> {
    return this.deliveries.resend({ principal, actor: because(actor, reason) }, id);
  }

  /** Sends the endpoint the events of a time once more that it asks for now, with the same `webhook-id`: also those of before it was there. */
  @Post('webhook-endpoints/:endpointId/replay')
  @Scopes('webhooks:write')
  @HttpCode(202)
  @Fails(EndpointDisabled, ReplayUnderWay)
  replay(
    @CurrentPrincipal() principal: Principal,
    @CurrentActor() actor: Actor,
    @Param('endpointId', IdParam) endpointId: number,
    @Body() dto: ReplayWebhooksDto,
  ): Promise<WebhookReplayDto> {
    return this.replays.begin({ principal, actor: because(actor, dto.reason) }, endpointId, dto);
  }
}
