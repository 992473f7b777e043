import { type FastifyInstance } from 'fastify';
import { parseJsonBody } from './json-body';
import { ITEMS_APART } from './json-items';
import { assertMediaType, JSON_TYPE, MERGE_PATCH_TYPE } from './media-types';

/** Bodies are JSON, read as `parseJsonBody` does, and nothing else. */
export function parseBodies(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser([JSON_TYPE, MERGE_PATCH_TYPE], { parseAs: 'buffer' }, (request, body, done) => {
    try {
      assertMediaType(request);
      const config = request.routeOptions.config as unknown as Record<string, unknown>;
      done(null, parseJsonBody(body as Buffer, config[ITEMS_APART] === true));
    } catch (error) {
      done(error as Error);
    }
  });
}
