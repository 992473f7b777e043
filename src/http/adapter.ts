import { FastifyAdapter } from '@nestjs/platform-fastify';
import { type FastifyReply, type FastifyRequest, type FastifyServerOptions } from 'fastify';
import { type IncomingMessage, METHODS } from 'node:http';
import { HEADERS, requestIdOf } from './answer-headers';
import { answerClientError } from './client-errors';
import { makeServer } from './http-server';
import { IGNORES_BODY, leaveBody } from './ignored-body';
import { answerNotModified } from './not-modified';
import { RequestScope } from './request-scope';
import { NotFoundProblem } from './problem';
import { RouteTable } from './route-table';

const BODY_LIMIT = 256 * 1_024;

export interface AdapterOptions {
  /** Which proxies' `X-Forwarded-For` is believed. */
  trustProxy: FastifyServerOptions['trustProxy'];
  /** The URL that the router sees. */
  rewriteUrl: (method: string | undefined, url: string) => string;
  /** Answers what comes to no route, hook and filter. */
  answerFailure: (error: Error, request: FastifyRequest, reply: FastifyReply) => void;
}

/** Fastify as this service wants it, and the routes that it is given from now on. */
export function makeAdapter({ trustProxy, rewriteUrl, answerFailure }: AdapterOptions): { adapter: FastifyAdapter; routes: RouteTable } {
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_LIMIT,
    trustProxy,
    genReqId: (request: IncomingMessage) => RequestScope.of(request)?.id ?? requestIdOf(request.headers),
    clientErrorHandler: answerClientError,
    // A path that cannot be decoded comes to no hook and no filter.
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      void reply.headers(HEADERS).header('x-request-id', request.id);
      answerFailure(error, request, reply);
    },
    serverFactory: makeServer,
    // Requests on open connections are still served while the process drains.
    return503OnClosing: false,
    skipMiddie: true,
    routerOptions: { maxParamLength: 256 },
    rewriteUrl: ({ method, url = '/' }: IncomingMessage) => rewriteUrl(method, url),
  });
  addEveryMethod(adapter);
  return { adapter, routes: tableOf(adapter) };
}

/** The gateway check takes them all. Fastify would ask a QUERY for its content type. */
function addEveryMethod(adapter: FastifyAdapter): void {
  const fastify = adapter.getInstance();
  for (const method of METHODS) {
    if (method === 'QUERY' || !fastify.supportedMethods.includes(method)) fastify.addHttpMethod(method, { overrideExisting: true });
  }
}

/** No name and no id has the character, and the database takes it in none: there is no such thing. */
function refuseNul({ params }: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void {
  const isNul = Object.values(params as Record<string, string>).some((value) => value.includes('\0'));
  done(isNul ? new NotFoundProblem('resource') : undefined);
}

function tableOf(adapter: FastifyAdapter): RouteTable {
  const routes = new RouteTable();
  adapter.getInstance().addHook('onRoute', (route) => {
    routes.add(route.url, route.method);
    if ((route.config as Record<string, unknown> | undefined)?.[IGNORES_BODY]) {
      route.onRequest = leaveBody;
      return;
    }
    if (route.url.includes(':')) route.onRequest = refuseNul;
    if (route.method === 'GET' || route.method === 'HEAD') route.onSend = [route.onSend ?? [], answerNotModified].flat();
  });
  return routes;
}
