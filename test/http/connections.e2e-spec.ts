import { Logger } from '@nestjs/common';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { promisesByTheClock } from '../support/clock-promises';
import { Command } from '../support/command';
import { createDatabase } from '../support/databases';
import { eventually } from '../support/eventually';
import { makeUser, type TestUser } from '../support/factories';
import { rawRequest } from '../support/raw-http';
import { type Service, startService } from '../support/service';

promisesByTheClock();

describe('a connection', () => {
  let service: Service;
  let user: TestUser;
  beforeAll(async () => {
    service = await startService();
    user = await makeUser(service, { unlimited: true });
  });
  afterAll(() => service.close());

  const open = async (url = service.url): Promise<Socket> => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  };
  const isProblem = ({ status, headers, body }: Awaited<ReturnType<typeof rawRequest>>, wanted: number, code: string) => {
    expect([status, headers['content-type']]).toEqual([wanted, 'application/problem+json']);
    const problem = JSON.parse(body) as Record<string, unknown>;
    expect(problem).toMatchObject({
      status: wanted,
      code,
      detail: expect.stringMatching(/.{10}/),
      instance: `urn:quotidian:request:${headers['x-request-id']}`,
    });
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
  };

  it.each([
    ['no host', 'GET /v1/tiers HTTP/1.1\r\nX-Request-Id: mine\r\n\r\n', 400, 'malformed-request'],
    ['two hosts', 'GET /v1/tiers HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine\r\nhost: y\r\n\r\n', 400, 'malformed-request'],
    ['the same host twice, by HTTP/1.0', 'GET /v1/tiers HTTP/1.0\r\nHost: x\r\nX-Request-Id: mine\r\nHost: x\r\n\r\n', 400, 'malformed-request'],
    ['an expectation', 'GET /v1/tiers HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine\r\nExpect: 200-ok\r\n\r\n', 417, 'expectation-failed'],
    ['a tunnel', 'CONNECT example.test:443 HTTP/1.1\r\nHost: example.test\r\nX-Request-Id: mine\r\n\r\n', 405, 'method-not-allowed'],
    [
      'a coding within the chunks',
      'POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine\r\nTransfer-Encoding: gzip, chunked\r\n\r\n',
      400,
      'malformed-request',
    ],
    ['thousands of lines', `GET /v1/tiers HTTP/1.1\r\nHost: x\r\n${'a:\r\n'.repeat(3_000)}X-Request-Id: mine\r\n\r\n`, 431, 'headers-too-large'],
  ])('that asks for what no framework sees is answered with a problem, under its own id: %s', async (_, text, status, code) => {
    const answer = await rawRequest(service.url, text);
    isProblem(answer, status, code);
    expect(answer.headers).toMatchObject({ 'x-request-id': 'mine', connection: 'close' });
    if (status === 405) expect(answer.headers.allow).toMatch(/GET/);
  });

  it('of HTTP/1.0 needs no host', async () => {
    expect((await rawRequest(service.url, 'GET /v1/tiers HTTP/1.0\r\n\r\n')).status).toBe(200);
  });

  it.each([
    ['GET http://quotidian.test/v1/tiers', 200],
    ['HEAD http://quotidian.test/v1/tiers', 200],
    ['DELETE http://quotidian.test/v1/tiers', 405],
    ['GET http://quotidian.test/none', 404],
    ['OPTIONS http://quotidian.test/v1/authorize?denyStatus=403', 204],
    ['PURGE http://quotidian.test:80/v1/authorize/x', 204],
  ])('may name its target in full: %s', async (target, status) => {
    const answer = await rawRequest(
      service.url,
      `${target} HTTP/1.1\r\nHost: quotidian.test\r\nAuthorization: Bearer ${user.key}\r\nConnection: close\r\n\r\n`,
    );
    expect(answer.status).toBe(status);
  });

  it('loses no line of a header: a cost behind a hundred others counts', async () => {
    const lines = 'X-A: 1\r\n'.repeat(200);
    const before = await service.sql<{ units: string }>('SELECT coalesce(sum(cost), 0)::text AS units FROM requests WHERE user_id = $1', [user.id]);
    const answer = await rawRequest(
      service.url,
      `GET /v1/authorize HTTP/1.1\r\nHost: x\r\n${lines}Authorization: Bearer ${user.key}\r\nConnection: close\r\nX-Quota-Cost: 7\r\n\r\n`,
    );
    expect(answer.status).toBe(204);
    const after = await service.sql<{ units: string }>('SELECT sum(cost)::text AS units FROM requests WHERE user_id = $1', [user.id]);
    expect(Number(after[0].units) - Number(before[0].units)).toBe(7);
  });

  it.each([
    ['a gateway check', () => `POST /v1/authorize HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${user.key}\r\n`, 204],
    ['a read', () => 'GET /v1/tiers HTTP/1.1\r\nHost: x\r\n', 200],
    ['an unknown path', () => 'POST /v1/none HTTP/1.1\r\nHost: x\r\n', 404],
    ['a media type', () => 'POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n', 415],
  ])('ends with the answer when that goes out before the body has come, and goes on when it had: %s', async (_, head, status) => {
    const announced = await rawRequest(service.url, `${head()}Content-Length: 10\r\n\r\n`);
    expect([announced.status, announced.headers.connection]).toEqual([status, 'close']);
    // Fastify closes after these anyway.
    if (status >= 400) return;
    const whole = await rawRequest(service.url, `${head()}Content-Length: 10\r\n\r\n0123456789GET /v1/tiers HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect([whole.status, whole.headers.connection]).toEqual([status, 'keep-alive']);
    expect(whole.body).toContain('HTTP/1.1 200 OK');
  });

  it('may have many requests under way, and has each answered in its place', async () => {
    const count = 1_000;
    const socket = await open();
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    for (let i = 0; i < count; i++) socket.write(`GET /${i % 3 === 0 ? 'health/live' : 'v1/tiers/free'} HTTP/1.1\r\nHost: x\r\nX-Request-Id: r${i}\r\n\r\n`);
    await eventually(() => expect(text.split('HTTP/1.1 200 OK')).toHaveLength(count + 1), 20_000);
    socket.destroy();
    expect([...text.matchAll(/x-request-id: r(\d+)/g)].map(([, n]) => Number(n))).toEqual(Array.from({ length: count }, (_, i) => i));
  });

  it('may have a body that comes later behind others that wait', async () => {
    const socket = await open();
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    const submit = '{"type":"x"}';
    socket.write('GET /v1/tiers HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(40));
    socket.write(
      `POST /v1/requests HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${user.key}\r\nContent-Type: application/json\r\nContent-Length: ${submit.length}\r\n\r\n{`,
    );
    await eventually(() => expect(text.split('HTTP/1.1 200 OK').length).toBeGreaterThan(20), 10_000);
    socket.write(submit.slice(1));
    await eventually(() => expect(text).toContain('HTTP/1.1 201 Created'), 10_000);
    socket.destroy();
    expect(text.split('HTTP/1.1 200 OK')).toHaveLength(41);
  });

  it('that its client cuts off in the midst of a body is no fault of the database, and is not reported as one', async () => {
    const spies = (['warn', 'error', 'debug'] as const).map((level) => jest.spyOn(Logger.prototype, level));
    const [warn, error, debug] = spies;
    const socket = await open();
    socket.write('POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"email"');
    await service.as().get('/v1/tiers').expect(200);
    socket.resetAndDestroy();
    await eventually(async () => {
      await service.as().get('/health/live');
      expect(debug.mock.calls.length).toBeGreaterThan(0);
    }, 10_000);
    // A service of another file in this process may still be draining.
    const warnings = warn.mock.calls.filter(([message]) => !String(message).startsWith('still not drained'));
    expect([warnings, error.mock.calls]).toEqual([[], []]);
    expect(debug.mock.calls).toEqual([[expect.anything(), 'the client went away in the midst of its request']]);
    for (const spy of spies) spy.mockRestore();
  });
});

describe('twenty connections that write and never read', () => {
  it('cost less than 100 MB, and others are answered meanwhile', async () => {
    const { url, drop } = await createDatabase();
    const command = new Command(['serve'], {
      DATABASE_URL: url,
      HOST: '127.0.0.1',
      PORT: '0',
      NODE_ENV: 'test',
      LOG_FORMAT: 'json',
      SCHEDULER_ENABLED: 'false',
    });
    try {
      const [, port] = await command.shows(/http:\/\/127\.0\.0\.1:(\d+)/);
      const paths = ['/openapi.json', '/docs/swagger-ui-init.js', '/metrics', '/docs', '/v1/tiers'];
      for (const path of paths) expect((await fetch(`http://127.0.0.1:${port}${path}`)).status).toBe(200);
      const rss = () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${command.child.pid}/status`, 'utf8'))?.[1]) / 1_024;
      const before = rss();
      const sockets = Array.from({ length: 20 }, (_, i) => {
        const socket = connect(Number(port), '127.0.0.1', () => socket.write(`GET ${paths[i % paths.length]} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(3_000)));
        socket.on('error', () => undefined).pause();
        return socket;
      });
      for (const socket of sockets) if (socket.connecting) await once(socket, 'connect');
      let largest = 0;
      for (let i = 0; i < 20; i++) {
        expect((await fetch(`http://127.0.0.1:${port}/v1/tiers`)).status).toBe(200);
        largest = Math.max(largest, rss());
      }
      for (const socket of sockets) socket.destroy();
      expect(largest - before).toBeLessThan(100);
      expect((await fetch(`http://127.0.0.1:${port}/health/live`)).status).toBe(200);
    } finally {
      command.child.kill('SIGTERM');
      await command.finished();
      await drop();
    }
  }, 120_000);
});
