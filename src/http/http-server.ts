import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerOptions, ServerResponse } from 'node:http';
import { type Socket } from 'node:net';
import { answerOnSocket, bareAnswer } from './client-errors';
import { FairEntry } from './fair-entry';
import { ExpectationFailed, HeadersTooLarge, MalformedRequest, MethodNotAllowed } from './http.errors';
import { Pipelines } from './pipelines';
import { type Problem } from './problem';
import { RequestScope } from './request-scope';
import { readInPieces } from './small-reads';
import { UnreadAnswers } from './unread-answers';

/** A proxy in front adds a dozen lines to those of its client. */
const MAX_HEADER_LINES = 256;

/** An answer that ends its connection when it goes out before the body has come. The last moment to state so is when its header is written. */
class Answer<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  bodyAnnounced = false;

  override writeHead(...args: unknown[]): this {
    if (this.bodyAnnounced && !this.req.complete) this.shouldKeepAlive = false;
    return (super.writeHead as (...args: unknown[]) => this)(...args);
  }
}

const SERVER: ServerOptions<typeof IncomingMessage, typeof Answer> = {
  ServerResponse: Answer,
  headersTimeout: 5_000,
  // A body that trickles in is cut off; Node looks only so often.
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: 72_000,
  requireHostHeader: false,
};

/**
 * Closes what Node leaves open, and answers what Node would answer in a form of its own. Node keeps 1,000 header lines and drops
 * the others in silence, a proxy's own fields among them; it takes what follows an answer that went out early for the rest of a body
 * that may never come; and it parses and carries out as many requests as are written, at once and in the order in which they came.
 */
export function makeServer(handle: RequestListener): Server {
  const server = createServer(SERVER);
  const entry = new FairEntry((request, response) => RequestScope.run(request, response, () => handle(request, response)));
  const pipelines = new Pipelines(entry.enter);
  server.on('connection', (socket: Socket) => readInPieces(socket, pipelines.isHeld));
  server.on('connection', new UnreadAnswers().watch);
  // Their bytes are bounded: to 16 kB.
  server.maxHeadersCount = 0;
  server.on('request', (request: IncomingMessage, response: Answer) => {
    const refusal = refusalOf(request);
    if (refusal !== null) return refuse(request, response, refusal);
    // Now: a route that leaves the body alone takes these fields away.
    response.bodyAnnounced = announcesBody(request);
    pipelines.admit(request, response);
  });
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    refuse(request, response, new ExpectationFailed());
  });
  server.on('connect', ({ headers }: IncomingMessage, socket: Socket) => {
    // What comes now is no HTTP any more.
    socket.removeAllListeners('data');
    const allow = 'DELETE, GET, HEAD, PATCH, POST, PUT';
    answerOnSocket(socket, new MethodNotAllowed('This is no proxy: it opens no tunnels.', allow), headers);
  });
  return server;
}

function refusalOf({ rawHeaders, headers, httpVersion }: IncomingMessage): Problem | null {
  if (rawHeaders.length > MAX_HEADER_LINES * 2) return new HeadersTooLarge(`The header has more than ${MAX_HEADER_LINES} lines.`);
  // Node reads the chunks and leaves the coding within them to nobody.
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked') return new MalformedRequest('The only transfer coding that is taken is chunked.');
  if (headers.host === undefined && httpVersion === '1.1') return new MalformedRequest('A request by HTTP/1.1 names its host.');
  // Node keeps the first, a proxy in front may have gone by the last.
  if (hostLines(rawHeaders) > 1) return new MalformedRequest('A request names its host once.');
  return null;
}

/** Names are at even places, their values behind them. */
function hostLines(rawHeaders: string[]): number {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]?.length === 4 && rawHeaders[i]?.toLowerCase() === 'host') count++;
  return count;
}

function refuse(request: IncomingMessage, response: ServerResponse, problem: Problem): void {
  const { status, headers, body } = bareAnswer(problem, request.headers);
  response.writeHead(status, headers).end(body);
}

function announcesBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}
