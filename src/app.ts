import 'reflect-metadata';
import { type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module';
import { makeLogger, NestLogger } from './common/logger';
import { tracing } from './common/spans';
import { type Environment } from './config/environment';
import { readEnvironment } from './config/environment.module';
import { CONSOLE_PATH, CONSOLE_POLICY, setUpConsole } from './console/console';
import { CorsService } from './cors/cors.service';
import { ReplicaReads } from './database/replica-reads';
import { routedUrl } from './gateway/gateway-route';
import { makeAdapter } from './http/adapter';
import { parseBodies } from './http/body-parser';
import { addAnswerHeaders, letPagesIn, logAnswers, noteWrites } from './http/hooks';
import { HttpModule } from './http/http.module';
import { PublicPath } from './http/public-path';
import { ProblemFilter } from './http/problem.filter';
import { addressProblemsBelow } from './http/problem-type';
import { RequestScope } from './http/request-scope';
import { MetricsService } from './metrics/metrics.service';
import { DOCS_PATH, DOCS_POLICY, setUpDocs } from './openapi/document';

export interface AppOptions {
  /** Variables in place of the process's. */
  environment?: Partial<Environment>;
  /** Build the routes alone: no provider is made and no database is touched. */
  preview?: boolean;
  /** SIGTERM and SIGINT drain the service and end the process; a command sees to them itself. Default: true. */
  signals?: boolean;
  /** Beside those of the house: features of a test's own. */
  modules?: Type<object>[];
}

/** The one definition of the application, shared by main, the command line, tests and the OpenAPI export. */
export async function createApp({ environment: overrides, preview = false, signals = true, modules = [] }: AppOptions = {}): Promise<NestFastifyApplication> {
  const { environment, module } = await readEnvironment(overrides);
  addressProblemsBelow(environment.PROBLEM_TYPE_BASE);
  const logger = makeLogger({
    level: preview ? 'silent' : environment.LOG_LEVEL,
    pretty: environment.LOG_FORMAT === undefined ? process.stdout.isTTY : environment.LOG_FORMAT === 'pretty',
    scope: () => RequestScope.get()?.logFields ?? tracing.spans?.logFields(),
  });
  const path = new PublicPath({ basePath: environment.basePath, trusts: environment.trustProxy });
  const { adapter, routes } = makeAdapter({
    trustProxy: environment.trustProxy,
    rewriteUrl: (method, url) => routedUrl(method, path.strip(url)),
    answerFailure: (error, request, reply) => app.get(ProblemFilter).render(error, request, reply),
  });
  const app = await NestFactory.create<NestFastifyApplication>({ module: AppModule, imports: [module, HttpModule.of(routes, path), ...modules] }, adapter, {
    preview,
    logger: new NestLogger(logger),
    abortOnError: false,
    bodyParser: false,
  });
  if (signals) app.enableShutdownHooks(['SIGTERM', 'SIGINT'], { useProcessExit: true });
  const fastify = adapter.getInstance();
  if (!preview && environment.tracesBy !== null) (await import('./tracing/start-tracing.js')).startTracing(environment, logger, fastify);
  parseBodies(fastify);
  setUpDocs(app);
  if (preview) return app;
  const policies = { [DOCS_PATH]: DOCS_POLICY, ...(environment.CONSOLE_ENABLED ? { [CONSOLE_PATH]: CONSOLE_POLICY } : {}) };
  addAnswerHeaders(fastify, policies, environment.TEST_CLOCK);
  letPagesIn(fastify, app.get(CorsService));
  if (environment.CONSOLE_ENABLED) setUpConsole(fastify, { folder: environment.CONSOLE_DIR, path });
  if (environment.DATABASE_READ_URL !== undefined) noteWrites(fastify, app.get(ReplicaReads));
  const metrics = app.get(MetricsService);
  logAnswers(fastify, { logger, logsAll: environment.LOG_REQUESTS, count: metrics.answered.bind(metrics) });
  return app;
}
