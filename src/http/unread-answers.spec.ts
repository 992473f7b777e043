import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { UnreadAnswers } from './unread-answers';

/** Long beside what a busy machine keeps a process waiting. */
const PATIENCE_MS = 1_000;
/** More than the system keeps for both sides. */
const ANSWER = Buffer.alloc(32 * 1_024 * 1_024);

describe('answers that nobody reads', () => {
  let server: Server;
  let accepted: Socket;
  beforeAll(async () => {
    const unread = new UnreadAnswers(PATIENCE_MS);
    server = createServer((socket) => {
      accepted = socket.on('error', () => undefined);
      unread.watch(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => server.close());

  const open = async (): Promise<Socket> => {
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined);
    await Promise.all([once(client, 'connect'), once(server, 'connection')]);
    return client;
  };

  it('end with their connection', async () => {
    const client = await open();
    client.pause();
    accepted.write(ANSWER);
    await once(accepted, 'close');
    client.destroy();
  });

  it('are waited for while they are being taken, and a connection without any is left alone', async () => {
    const idle = await open();
    const silent = accepted;
    const client = await open();
    let sent = 0;
    const writing = accepted;
    const more = (): void => {
      if (++sent < 40) writing.write(Buffer.alloc(1_024 * 1_024), () => setTimeout(more, 40));
      else writing.end();
    };
    more();
    let read = 0;
    client.on('data', (chunk) => (read += chunk.length));
    await once(client, 'end');
    expect(read).toBe(39 * 1_024 * 1_024);
    expect([silent.destroyed, idle.destroyed]).toEqual([false, false]);
    for (const socket of [client, idle]) socket.destroy();
  });
});
