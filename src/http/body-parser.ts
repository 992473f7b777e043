import { type FastifyInstance } from 'fastify';
import { parseJsonBody } from './json-body';
import { ITEMS_APART } from './json-items';

/** Bodies are JSON, read as `parseJsonBody` does, and nothing else. */
export function parseBodies(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    try {
      const config = request.routeOptions.config as unknown as Record<string, unknown>;
      done(null, parseJsonBody(body as Buffer, config[ITEMS_APART] === true));
    } catch (error) {
      done(error as Error);
    }
  });
}
