import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';

/** A call that got through to the API. */
export interface Call {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A small API behind a proxy, which keeps what reached it. */
export class Upstream {
  readonly calls: Call[] = [];

  /** What it does before it answers. */
  work: (call: Call) => Promise<unknown> = () => Promise.resolve();

  private constructor(private readonly server: Server) {}

  static async start(): Promise<Upstream> {
    const server = createServer();
    const upstream = new Upstream(server);
    server.on('request', (incoming, answer) => {
      let body = '';
      incoming.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      incoming.on('end', () => {
        const call = { method: incoming.method!, url: incoming.url!, headers: incoming.headers, body };
        upstream.calls.push(call);
        void upstream.work(call).then(() => answer.writeHead(call.url === '/forbidden' ? 403 : 200, { 'content-type': 'text/plain' }).end('from the API'));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return upstream;
  }

  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}
