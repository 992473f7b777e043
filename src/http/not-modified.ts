import { type FastifyReply, type FastifyRequest } from 'fastify';
import { namesTag } from './etag';

/** Leaves out what the caller has already: the `onSend` hook of every GET (RFC 9110, section 13.1.2). */
export function answerNotModified(
  request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
  done: (error: Error | null, payload?: unknown) => void,
): void {
  const tags = request.headers['if-none-match'];
  const etag = reply.getHeader('etag');
  if (tags === undefined || reply.statusCode !== 200 || typeof etag !== 'string' || (tags.trim() !== '*' && !namesTag(tags, etag))) return done(null, payload);
  void reply.status(304).removeHeader('content-type').removeHeader('content-length');
  done(null, null);
}
