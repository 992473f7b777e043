import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { type AddressInfo } from 'node:net';
import { type StartedProxy } from './guarantees';

export interface Message {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

const HOP_BY_HOP = ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'];

/** A server that does to each call what a proxy does by its documentation and source, for proxies that cannot be had where these tests run. */
export async function playProxy(handle: (message: Message) => Promise<Answer>): Promise<StartedProxy> {
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const { method = '', url = '', headers } = incoming;
      const { status, headers: fields, body } = await handle({ method, path: url, headers: endToEnd(headers), body: await bytes(incoming) });
      outgoing.writeHead(status, endToEnd(fields)).end(method === 'HEAD' ? undefined : body);
    })();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** @throws what keeps the call from its destination */
export async function pass(origin: string, { method, path, headers, body }: Message): Promise<Answer> {
  const sent = { ...headers, 'content-length': String(body.length) };
  const call = request(`${origin}${path}`, { method, headers: sent, agent: false });
  call.end(body);
  const [answer] = (await once(call, 'response')) as [IncomingMessage];
  return { status: answer.statusCode!, headers: answer.headers, body: await bytes(answer) };
}

/** The path with dots, escaped dots and doubled slashes resolved. */
export function resolved(path: string): string {
  const { pathname, search } = new URL(path, 'http://proxy');
  return pathname.replace(/\/{2,}/g, '/') + search;
}

/** @throws when the recipe states what is not played here, as it would then be tested in part only */
export function only<T extends object>(part: T, ...known: (keyof T & string)[]): T {
  for (const name of Object.keys(part)) if (!(known as string[]).includes(name)) throw new Error(`"${name}" is not played`);
  return part;
}

/** Without what belongs to the one connection: both Traefik, since 3.1.3, and Envoy take it away before anything else. */
function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const named = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.includes(name) && !named.includes(name)));
}

async function bytes(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
