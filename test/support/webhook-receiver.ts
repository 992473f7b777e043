import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';

/** A webhook as it came in. */
export interface Received {
  path: string;
  headers: Record<string, string>;
  body: string;
  /** The body as JSON. */
  event: { type: string; timestamp: string; data: Record<string, unknown> };
}

export interface WebhookReceiver {
  url: string;
  /** In the order in which they came. */
  received: Received[];
  close(): Promise<void>;
}

/** Answers by hand, or with a status; a promise keeps the sender waiting. */
export type Answering = (received: Received, response: ServerResponse, request: IncomingMessage) => number | void | Promise<number | void>;

/** An HTTP server of the test's own that webhooks are sent to. It answers 204 unless it is asked to do otherwise. */
export async function startReceiver(answer: Answering = () => 204): Promise<WebhookReceiver> {
  const received: Received[] = [];
  const receive = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const webhook = { path: request.url ?? '', headers: request.headers as Record<string, string>, body, event: JSON.parse(body) };
    received.push(webhook);
    const status = await answer(webhook, response, request);
    if (typeof status === 'number') response.writeHead(status).end();
  };
  // Who breaks off in the middle of a body is of no interest to a receiver.
  const server = createServer((request, response) => void receive(request, response).catch(() => response.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Whether the library of Standard Webhooks takes the webhook for one that was signed with the secret. */
export function isSigned({ headers, body }: Received, secret: string): boolean {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
}
