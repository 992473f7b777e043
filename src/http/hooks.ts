import { type FastifyInstance } from 'fastify';
import { type Logger } from 'pino';
import { HEADERS } from './answer-headers';

/**
 * Puts on every answer what stands on all of them.
 * @param policies the `Content-Security-Policy` of pages below a path, in place of the one of all answers
 */
export function addAnswerHeaders(fastify: FastifyInstance, policies: Record<string, string>): void {
  const pages = Object.entries(policies);
  fastify.addHook('onRequest', (request, reply, done) => {
    // Not by Nest's setter: it puts them on Node's response, which then copies all of an answer's headers one by one.
    void reply.headers(HEADERS).header('x-request-id', request.id);
    for (const [path, policy] of pages) if (request.url.startsWith(path)) void reply.header('content-security-policy', policy);
    done();
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
  fastify.addHook('onResponse', ({ method, routeOptions, id }, { elapsedTime, statusCode: status }, done) => {
    try {
      count(method, routeOptions.url ?? 'unknown', status, elapsedTime / 1_000);
    } catch (err) {
      // Fastify would keep it to itself.
      logger.error({ requestId: id, err }, 'an answer was not counted');
    }
    if (logsAll || status >= 500) {
      const level = status >= 500 && status !== 503 ? 'error' : 'info';
      logger[level]({ requestId: id, method, route: routeOptions.url, status, ms: Math.round(elapsedTime) }, 'answered');
    }
    done();
  });
}
