import { type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** An answer as it went out. */
export interface WireAnswer {
  method: string;
  target: string;
  status: number;
  headers: Record<string, string>;
  /** Null: not looked at. */
  body: Buffer | null;
}

type Chunk = string | Uint8Array;

/** Has every answer of the server looked at once it is out, whoever asked for it. */
export function watchAnswers(server: Server, look: (answer: WireAnswer) => void): void {
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    // Now: the router writes its own over it.
    const { method = '', url: target = '' } = request;
    let kept = 0;
    let wasSeen = false;
    const keep = (chunk: unknown, encoding: unknown) => {
      // Streams may go on for as long as somebody listens.
      if (isStream(response) && kept++ > 4) return;
      if (typeof chunk === 'string') chunks.push(Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8'));
      else if (chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk));
    };
    const write = response.write.bind(response) as (...args: unknown[]) => boolean;
    const end = response.end.bind(response) as (...args: unknown[]) => ServerResponse;
    response.write = (chunk: Chunk, ...rest: unknown[]) => {
      keep(chunk, rest[0]);
      return write(chunk, ...rest);
    };
    response.end = (...args: unknown[]) => {
      keep(args[0], args[1]);
      return end(...args);
    };
    const see = () => {
      if (!response.headersSent || wasSeen) return;
      wasSeen = true;
      const headers = Object.fromEntries(Object.entries(headersOf(response)).map(([name, value]) => [name.toLowerCase(), value]));
      look({ method, target, status: response.statusCode, headers, body: method === 'HEAD' ? null : Buffer.concat(chunks) });
    };
    response.once('finish', see);
    // Whoever follows a stream is the one who ends it.
    response.once('close', () => isStream(response) && see());
  });
}

function isStream(response: ServerResponse): boolean {
  return (headersOf(response)['content-type'] ?? '').startsWith('text/event-stream');
}

/** Fields that `writeHead` was given are on the wire and in no getter, but in the text that was sent. */
function headersOf(response: ServerResponse): Record<string, string> {
  const text = (response as unknown as { _header: string | null })._header;
  if (typeof text !== 'string') return Object.fromEntries(Object.entries(response.getHeaders()).map(([name, value]) => [name, String(value)]));
  const lines = text.split('\r\n').slice(1).filter(Boolean);
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
}
