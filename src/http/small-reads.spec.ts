import { once } from 'node:events';
import { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { makeServer } from './http-server';

describe('what one read of a connection brings', () => {
  const COUNT = 3_000;
  let server: Server;
  let socket: Socket;
  let seen = 0;
  const held: ServerResponse[] = [];
  const answers: number[] = [];
  let answer = (response: ServerResponse): unknown => held.push(response);

  beforeAll(async () => {
    server = makeServer((_: IncomingMessage, response: ServerResponse) => void answer(response));
    server.on('request', () => seen++);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await once(socket, 'connect');
  });
  afterAll(() => {
    socket.destroy();
    server.close();
  });

  it('is not parsed further than a few requests while none is answered, and all are answered in their order', async () => {
    socket.write(Array.from({ length: COUNT }, (_, i) => `GET /${i} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''));
    while (held.length < 4) await new Promise(setImmediate);
    // Long after the read: a ping of another connection has come back since.
    const other = connect((server.address() as AddressInfo).port, '127.0.0.1');
    other.resume().write('BAD\r\n\r\n');
    await once(other, 'close');
    expect(held).toHaveLength(4);
    expect(seen).toBeLessThan(200);

    answer = (response) => response.end(response.req.url);
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    for (const response of held) response.end(response.req.url);
    while ((text.match(/\/\d+(?=HTTP|$)/g)?.length ?? 0) < COUNT) await once(socket, 'data');
    answers.push(...[...text.matchAll(/\/(\d+)(?=HTTP|$)/g)].map(([, n]) => Number(n)));
    expect(answers).toEqual(Array.from({ length: COUNT }, (_, i) => i));
  });
});
