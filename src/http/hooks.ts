import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { type Logger } from 'pino';
import { HEADERS } from './answer-headers';
import { RequestScope } from './request-scope';

/**
 * Puts on every answer what stands on all of them.
 * @param policies the `Content-Security-Policy` of pages below a path, in place of the one of all answers
 * @param testClock whether they show that nothing here goes by the true time
 */
export function addAnswerHeaders(fastify: FastifyInstance, policies: Record<string, string>, testClock = false): void {
  const pages = Object.entries(policies);
  const fields = testClock ? { ...HEADERS, 'x-test-clock': 'true' } : HEADERS;
  fastify.addHook('onRequest', (request, reply, done) => {
    // Not by Nest's setter: it puts them on Node's response, which then copies all of an answer's headers one by one.
    void reply.headers(fields).header('x-request-id', request.id);
    for (const [path, policy] of pages) if (request.url.startsWith(path)) void reply.header('content-security-policy', policy);
    done();
  });
}

/** What decides which pages of other origins may read an answer. */
interface PagePolicy {
  /** @returns true when the call was a preflight, and is answered */
  answer: (request: FastifyRequest, reply: FastifyReply) => boolean;
}

/** Before anybody is authenticated: a preflight bears no credential. */
export function letPagesIn(fastify: FastifyInstance, policy: PagePolicy): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    if (!policy.answer(request, reply)) done();
  });
}

export interface AnswerLog {
  logger: Logger;
  /** Also those that are no fault of ours. */
  logsAll: boolean;
  /** Counts an answer, by the pattern of its route. */
  count: (method: string, route: string, status: number, seconds: number) => void;
}

/** Counts every answer, and logs it by the pattern of its route: an address may hold what is nobody else's business. */
export function logAnswers(fastify: FastifyInstance, { logger, logsAll, count }: AnswerLog): void {
  fastify.addHook('onResponse', (request, { elapsedTime, statusCode: status }, done) => {
    const { method, routeOptions } = request;
    try {
      count(method, routeOptions.url ?? 'unknown', status, elapsedTime / 1_000);
    } catch (err) {
      // Fastify would keep it to itself.
      logger.error({ ...RequestScope.logFieldsOf(request), err }, 'an answer was not counted');
    }
    if (logsAll || status >= 500) {
      const level = status >= 500 && status !== 503 ? 'error' : 'info';
      const line = { method, route: routeOptions.url, status, ms: Math.round(elapsedTime) };
      logger[level]({ ...RequestScope.logFieldsOf(request), ...line }, 'answered');
    }
    done();
  });
}

/** Notes who changed something before they are answered: what they read next is to have it. */
export function noteWrites(fastify: FastifyInstance, writers: { wrote: (userId: number) => void }): void {
  fastify.addHook('onSend', (request, _reply, payload, done) => {
    const { principal } = request as { principal?: { userId: number } };
    if (principal && request.method !== 'GET' && request.method !== 'HEAD') writers.wrote(principal.userId);
    done(null, payload);
  });
}
