import { type FastifyReply } from 'fastify';
import { validateHeaderValue } from 'node:http';

/** A stored text as a header field takes it: what is not visible ASCII is percent-encoded as UTF-8, and so is the percent sign then. */
export function headerText(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : encodeURIComponent(text.toWellFormed());
}

/** Takes off the fields that cannot be written: one of them would keep the answer from being sent, an error's as well. */
export function dropUnwritable(reply: FastifyReply): void {
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    try {
      for (const one of [value].flat()) validateHeaderValue(name, String(one));
    } catch {
      reply.removeHeader(name);
    }
  }
}
