import { Injectable } from '@nestjs/common';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { SettingsService } from '../settings/settings.service';
import { RouteTable } from '../http/route-table';
import { CorsSettings } from './cors.settings';

/** What a page may read of an answer's header beside what every page may. */
const EXPOSED = 'RateLimit, RateLimit-Policy, Retry-After, Location, ETag, Idempotency-Replayed, X-Request-Id';
/** What a page may send beside what every page may. */
const SENT = 'Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, Prefer, X-Request-Id, traceparent, tracestate';
/** Browsers believe a preflight no longer than for two hours, and a setting is to be in force soon. */
const MAX_AGE_SECONDS = '600';

/**
 * Lets pages of other origins call this service (CORS), where the setting `http.corsOrigins` names them. Always true: without an
 * `Origin` nothing is looked up; credentials mode is never granted, so no cookie comes along; a preflight does not name who asks,
 * and is answered before anybody is authenticated or charged.
 */
@Injectable()
export class CorsService {
  constructor(
    private readonly settings: SettingsService,
    private readonly routes: RouteTable,
  ) {}

  /** Marks the answer for a page that may read it. @returns true when the call was a preflight, and is answered */
  answer(request: FastifyRequest, reply: FastifyReply): boolean {
    const { origin } = request.headers;
    if (origin === undefined) return false;
    const origins = this.settings.get(CorsSettings.origins);
    if (origins.length === 0) return false;
    void reply.header('vary', 'Origin');
    const anyone = origins.includes('*');
    if (!anyone && !origins.includes(origin)) return false;
    void reply.header('access-control-allow-origin', anyone ? '*' : origin);
    if (isPreflight(request)) return this.answerPreflight(request, reply);
    void reply.header('access-control-expose-headers', EXPOSED);
    return false;
  }

  /** A path that takes OPTIONS itself, as the gateway check does, is in no table: what asks there is charged as any call. */
  private answerPreflight(request: FastifyRequest, reply: FastifyReply): boolean {
    const methods = this.routes.allowed(request.url);
    if (methods.length === 0 || methods.includes('OPTIONS')) return false;
    void reply
      .headers({ 'access-control-allow-methods': methods.join(', '), 'access-control-allow-headers': SENT, 'access-control-max-age': MAX_AGE_SECONDS })
      .status(204)
      .send();
    return true;
  }
}

function isPreflight({ method, headers }: FastifyRequest): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
}
