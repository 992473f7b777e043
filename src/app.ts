import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { type IncomingMessage, METHODS } from 'node:http';
import { AppModule } from './app.module';
import { makeLogger, NestLogger } from './common/logger';
import { type Environment } from './config/environment';
import { readEnvironment } from './config/environment.module';
import { IGNORES_BODY, leaveBody, routedUrl } from './gateway/gateway-route';
import { HEADERS, requestIdOf } from './http/answer-headers';
import { answerClientError } from './http/client-errors';
import { makeServer } from './http/http-server';
import { parseJsonBody } from './http/json-body';
import { ITEMS_APART } from './http/json-items';
import { ProblemFilter } from './http/problem.filter';
import { RequestScope } from './http/request-scope';
import { RouteTable } from './http/route-table';
import { MetricsService } from './metrics/metrics.service';
import { DOCS_PATH, DOCS_POLICY, setUpDocs } from './openapi';

const BODY_LIMIT = 256 * 1_024;

export interface AppOptions {
  /** Variables in place of the process's. */
  environment?: Partial<Environment>;
  /** Build the routes alone: no provider is made and no database is touched. */
  preview?: boolean;
  /** SIGTERM and SIGINT drain the service and end the process; a command sees to them itself. Default: true. */
  signals?: boolean;
}

/** The one definition of the application, shared by main, the command line, tests and the OpenAPI export. */
export async function createApp({ environment: overrides, preview = false, signals = true }: AppOptions = {}): Promise<NestFastifyApplication> {
  const { environment, module } = await readEnvironment(overrides);
  const logger = makeLogger({
    level: preview ? 'silent' : environment.LOG_LEVEL,
    pretty: environment.LOG_FORMAT === undefined ? process.stdout.isTTY : environment.LOG_FORMAT === 'pretty',
    requestId: () => RequestScope.get()?.id,
  });
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_LIMIT,
    trustProxy: environment.trustProxy,
    genReqId: (request: IncomingMessage) => RequestScope.of(request)?.id ?? requestIdOf(request.headers),
    clientErrorHandler: answerClientError,
    // A path that cannot be decoded comes to no hook and no filter.
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      void reply.headers(HEADERS).header('x-request-id', request.id);
      app.get(ProblemFilter).render(error, request, reply);
    },
    serverFactory: makeServer,
    // Requests on open connections are still served while the process drains.
    return503OnClosing: false,
    skipMiddie: true,
    routerOptions: { maxParamLength: 256 },
    rewriteUrl: ({ method, url = '/' }: IncomingMessage) => routedUrl(method, url),
  });
  const fastify: FastifyInstance = adapter.getInstance();
  const routes = new RouteTable();
  fastify.addHook('onRoute', (route) => {
    routes.add(route.url, route.method);
    if ((route.config as Record<string, unknown> | undefined)?.[IGNORES_BODY]) route.onRequest = leaveBody;
  });
  // The gateway check alone takes these methods. Fastify would ask a QUERY for its content type.
  for (const method of METHODS) {
    if (method === 'QUERY' || !fastify.supportedMethods.includes(method)) fastify.addHttpMethod(method, { overrideExisting: true });
  }
  const app = await NestFactory.create<NestFastifyApplication>({ module: AppModule, imports: [module] }, adapter, {
    preview,
    logger: new NestLogger(logger),
    abortOnError: false,
    bodyParser: false,
  });
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      const config = request.routeOptions.config as unknown as Record<string, unknown>;
      done(null, parseJsonBody(body as Buffer, config[ITEMS_APART] === true));
    } catch (error) {
      done(error as Error);
    }
  });
  if (signals) app.enableShutdownHooks(['SIGTERM', 'SIGINT'], { useProcessExit: true });
  setUpDocs(app);
  if (preview) return app;
  const metrics = app.get(MetricsService);
  Object.assign(app.get(RouteTable), routes);
  fastify.addHook('onRequest', (request, reply, done) => {
    // Not by Nest's setter: it puts them on Node's response, which then copies all of an answer's headers one by one.
    void reply.headers(HEADERS).header('x-request-id', request.id);
    if (request.url.startsWith(DOCS_PATH)) void reply.header('content-security-policy', DOCS_POLICY);
    done();
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    const { method, routeOptions, id } = request;
    const seconds = reply.elapsedTime / 1_000;
    try {
      metrics.answered(method, routeOptions.url ?? 'unknown', reply.statusCode, seconds);
    } catch (err) {
      // Fastify would keep it to itself.
      logger.error({ requestId: id, err }, 'an answer was not counted');
    }
    if (environment.LOG_REQUESTS || reply.statusCode >= 500) {
      const level = reply.statusCode >= 500 && reply.statusCode !== 503 ? 'error' : 'info';
      const line = { requestId: id, method, route: routeOptions.url, status: reply.statusCode, ms: Math.round(reply.elapsedTime) };
      logger[level](line, 'answered');
    }
    done();
  });
  return app;
}
