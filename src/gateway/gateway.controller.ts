import { All, Controller, Get, HttpCode, Post, Req, Res, UseFilters } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiExcludeEndpoint, ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { type AuthenticatedRequest, BoundedOtherwise, KnownFromMemory, Scopes } from '../common/access.decorators';
import { IGNORES_BODY } from '../http/ignored-body';
import { parseIdempotencyKey } from '../idempotency/idempotency-key';
import { DenialFilter } from './denial.filter';
import { gatewayCallOf } from './gateway-call';
import { ApiGatewayCheck } from './gateway.document';
import { GatewayService } from './gateway.service';

@ApiTags('gateway')
@BoundedOtherwise()
@Controller('v1/authorize')
@UseFilters(DenialFilter)
export class GatewayController {
  constructor(private readonly gateway: GatewayService) {}

  /** Charges for a call that a reverse proxy is about to forward. Any method and any path below are taken alike; the body is ignored. */
  @Get()
  @HttpCode(204)
  @Scopes()
  @KnownFromMemory()
  @RouteConfig({ [IGNORES_BODY]: true })
  @ApiGatewayCheck()
  async check(@Req() request: AuthenticatedRequest, @Res() reply: FastifyReply): Promise<void> {
    // A hot route, as submit is: it reads and answers by itself.
    const call = gatewayCallOf(request.headers);
    const key = parseIdempotencyKey(request.headers['idempotency-key']);
    const headers = await this.gateway.check(request.principal, call, key, () => request.raw.socket.destroyed);
    // Envoy lets a call through on 200 alone.
    const status = request.headers['x-quota-allow-status'] === '200' ? 200 : 204;
    void reply.status(status).headers(headers).send();
  }

  /** As GET. */
  @Post()
  @HttpCode(204)
  @Scopes()
  @KnownFromMemory()
  @RouteConfig({ [IGNORES_BODY]: true })
  @ApiGatewayCheck()
  checkPost(@Req() request: AuthenticatedRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.check(request, reply);
  }

  @All('*')
  @Scopes()
  @KnownFromMemory()
  @RouteConfig({ [IGNORES_BODY]: true })
  @ApiExcludeEndpoint()
  checkAny(@Req() request: AuthenticatedRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.check(request, reply);
  }
}
