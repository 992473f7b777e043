import { randomUUID } from 'node:crypto';
import { type Socket } from 'node:net';
import { Problem } from './problem';

const KNOWN: Record<string, () => Problem> = {
  ERR_HTTP_REQUEST_TIMEOUT: () => new Problem(408, 'request-timeout', 'The request took too long to come in.'),
  HPE_HEADER_OVERFLOW: () => new Problem(431, 'headers-too-large', 'The header is larger than this service accepts.'),
};

/** What came in is no HTTP, or came too slowly: there is no request to answer, only its socket. */
export function answerClientError({ code }: Error & { code?: string }, socket: Socket): void {
  if (code === 'ECONNRESET' || socket.destroyed) return;
  const problem = KNOWN[code ?? '']?.() ?? new Problem(400, 'malformed-request', 'The request is not HTTP/1.1.');
  const { title, status } = problem.getResponse() as { title: string; status: number };
  const id = randomUUID();
  const body = JSON.stringify({ ...(problem.getResponse() as object), instance: `urn:quotidian:request:${id}` });
  const head = [
    `HTTP/1.1 ${status} ${title}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${id}`,
    'connection: close',
  ];
  // Destroying before the answer is flushed would lose it.
  if (socket.writable) socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
  else socket.destroy();
}
