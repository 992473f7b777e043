import { type IncomingHttpHeaders } from 'node:http';
import { type Socket } from 'node:net';
import { HEADERS, requestIdOf } from './answer-headers';
import { HeadersTooLarge, MalformedRequest, RequestTimeout } from './http.errors';
import { type Problem } from './problem';

const KNOWN: Record<string, () => Problem> = {
  ERR_HTTP_REQUEST_TIMEOUT: () => new RequestTimeout(),
  HPE_HEADER_OVERFLOW: () => new HeadersTooLarge('The header is larger than this service accepts.'),
};

/** What came in is no HTTP, or came too slowly: there is no request to answer, only its socket. */
export function answerClientError({ code }: Error & { code?: string }, socket: Socket): void {
  if (code === 'ECONNRESET' || socket.destroyed) return;
  answerOnSocket(socket, KNOWN[code ?? '']?.() ?? new MalformedRequest('The request is not HTTP/1.1.'));
}

/** The answer to what no framework sees, on a connection that ends with it. */
export function answerOnSocket(socket: Socket, problem: Problem, requestHeaders: IncomingHttpHeaders = {}): void {
  const { status, title, headers, body } = bareAnswer(problem, requestHeaders);
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  // Node listens for errors only while the connection speaks HTTP.
  socket.on('error', () => socket.destroy());
  // Destroying before the answer is flushed would lose it.
  if (socket.writable) socket.end(`HTTP/1.1 ${status} ${title}\r\n${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
  else socket.destroy();
}

interface BareAnswer {
  status: number;
  title: string;
  headers: Record<string, string | number>;
  body: string;
}

/** A problem with all that an answer bears, after which the connection is closed. */
export function bareAnswer(problem: Problem, requestHeaders: IncomingHttpHeaders): BareAnswer {
  const { title, status } = problem.getResponse() as { title: string; status: number };
  const id = requestIdOf(requestHeaders);
  const body = JSON.stringify({ ...(problem.getResponse() as object), instance: `urn:quotidian:request:${id}` });
  return {
    status,
    title,
    headers: {
      'content-type': 'application/problem+json',
      'content-length': Buffer.byteLength(body),
      ...HEADERS,
      ...problem.headers,
      'x-request-id': id,
      connection: 'close',
    },
    body,
  };
}
