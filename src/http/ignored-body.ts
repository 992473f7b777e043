import { type FastifyRequest } from 'fastify';

/** In a route's config: its body is never read, whatever it is. Node throws it away when the answer is out. */
export const IGNORES_BODY = 'ignoresBody';

/** Takes from the request what makes Fastify look for a parser. */
export function leaveBody({ raw }: FastifyRequest, _: unknown, done: () => void): void {
  delete raw.headers['content-type'];
  delete raw.headers['content-length'];
  delete raw.headers['transfer-encoding'];
  raw.resume();
  done();
}
