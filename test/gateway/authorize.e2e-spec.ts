import { once } from 'node:events';
import { METHODS, request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { AdmissionService } from '../../src/ledger/admission.service';
import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { inTransaction, untilBlocked } from '../support/waiting';

const UUIDV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

interface Books {
  rows: number;
  cost: number;
  used: number;
}

describe('the gateway check', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
  });
  afterAll(() => service.close());

  const booksOf = async ({ id }: TestUser): Promise<Books> => {
    const [books] = await service.sql<Books>(
      `SELECT (SELECT count(*)::int FROM requests WHERE user_id = $1) AS rows,
         (SELECT coalesce(sum(cost - refunded_units), 0)::int FROM requests WHERE user_id = $1) AS cost, api_quota_used_today AS used
       FROM users WHERE id = $1`,
      [id],
    );
    return books;
  };

  /** Node's own client, because supertest knows neither every method nor a raw body. */
  const send = (user: TestUser, method: string, path: string, headers: Record<string, string> = {}, body?: string | Buffer) =>
    new Promise<{ status: number; headers: Record<string, string>; body: string }>((resolve, reject) => {
      const request = httpRequest(`${service.url}${path}`, { method, headers: { authorization: `Bearer ${user.key}`, ...headers } }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        answer.on('end', () => resolve({ status: answer.statusCode!, headers: answer.headers as Record<string, string>, body: text }));
      });
      request.on('error', reject).end(body);
    });

  it('charges one unit, records it as an instant request, and states who paid and what is left', async () => {
    const user = await makeUser(service, { dailyQuota: 3, tier: 'pro' });
    const { headers, text } = await service.as(user).get('/v1/authorize').expect(204);
    expect(text).toBe('');
    expect(headers).toMatchObject({ 'x-user-id': String(user.id), 'x-user-tier': 'pro', 'ratelimit-policy': '"daily";q=3;w=86400' });
    expect(headers.ratelimit).toMatch(/^"daily";r=2;t=\d+$/);
    const { body } = await service.as(user).get(`/v1/requests/${headers['x-charge-id']}`).expect(200);
    expect(body).toMatchObject({ userId: user.id, type: 'gateway', status: 'succeeded', cost: 1, refundedUnits: 0, payload: {} });
    expect(body.id).toMatch(UUIDV7);
    expect(body.finishedAt).toBe(body.createdAt);
    expect(await booksOf(user)).toEqual({ rows: 1, cost: 1, used: 1 });
  });

  it('charges the cost and records the type that the proxy states, with any key', async () => {
    const user = await makeUser(service, { dailyQuota: 10, scopes: ['quota:read'] });
    const { headers } = await service.as(user).post('/v1/authorize').set({ 'x-quota-cost': '7', 'x-quota-type': 'search' }).expect(204);
    expect(headers.ratelimit).toMatch(/^"daily";r=3;/);
    expect(await service.sql('SELECT type, cost FROM requests WHERE id = $1', [headers['x-charge-id']])).toEqual([{ type: 'search', cost: 7 }]);
    await service.as(user).post('/v1/authorize').set('x-quota-cost', '4').expect(429);
    expect(await booksOf(user)).toEqual({ rows: 1, cost: 7, used: 7 });
  });

  it('takes a session as it takes a key', async () => {
    const { email, id } = await makeUser(service);
    const { body } = await service.as().post('/v1/auth/login').send({ email, password: 'correct horse battery' }).expect(200);
    const { headers } = await service
      .as(body.accessToken as string)
      .get('/v1/authorize')
      .expect(204);
    expect(headers['x-user-id']).toBe(String(id));
  });

  it('gives no rate-limit fields to a user without a limit', async () => {
    const { headers } = await service
      .as(await makeAdmin(service))
      .get('/v1/authorize')
      .expect(204);
    expect(headers.ratelimit ?? headers['ratelimit-policy']).toBeUndefined();
  });

  it('meters every method that Node takes alike, with and without a path below', async () => {
    const user = await makeUser(service, { dailyQuota: 1_000 });
    const methods = METHODS.filter((method) => method !== 'CONNECT');
    for (const method of methods) {
      for (const path of ['/v1/authorize', '/v1/authorize/search']) {
        const { status, headers } = await send(user, method, path);
        expect([method, path, status]).toEqual([method, path, 204]);
        expect(headers['x-charge-id']).toMatch(UUIDV7);
      }
    }
    const charged = 2 * methods.length;
    expect(methods).toEqual(expect.arrayContaining(['HEAD', 'OPTIONS', 'QUERY', 'TRACE', 'PURGE']));
    expect(await booksOf(user)).toEqual({ rows: charged, cost: charged, used: charged });
  });

  it('takes any path below: empty, doubled slashes, undecodable, longer than a parameter may be, with a query of its own', async () => {
    const user = await makeUser(service);
    const paths = ['/', '//', '/a/b/c.html', '/%', '/%zz%00', '/..%2f', `/${'long/'.repeat(500)}`, '/search?q=1&denyStatus=7&limit=0', '?anything=goes'];
    for (const path of paths) expect([path, (await send(user, 'GET', `/v1/authorize${path}`)).status]).toEqual([path, 204]);
    expect(await booksOf(user)).toMatchObject({ rows: paths.length });
    await service.as(user).get('/v1/authorized').expect(404);
  });

  it('ignores the body, whatever it is and states it is', async () => {
    const user = await makeUser(service, { unlimited: true });
    const bodies: [string | undefined, string | Buffer][] = [
      ['application/json', '{"broken": '],
      ['application/json', '{"userId": 1, "cost": 5, "__proto__": {}}'],
      ['application/json', Buffer.from([0xff, 0xfe, 0])],
      ['multipart/form-data; boundary=x', '--x\r\nbroken'],
      ['text/xml', '<a>'],
      ['not a type', 'x'],
      ['', 'x'],
      [undefined, 'x'],
      ['application/json', '['.repeat(256 * 1_024)],
      ['application/octet-stream', Buffer.alloc(1_024 * 1_024)],
    ];
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'GET', 'QUERY', 'OPTIONS', 'PROPFIND']) {
      for (const [type, body] of bodies) {
        const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
        const { status } = await send(
          user,
          method,
          '/v1/authorize',
          { ...headers, 'content-length': String(Buffer.byteLength(body)), 'x-quota-cost': '1' },
          body,
        );
        expect([method, type, status]).toEqual([method, type, 204]);
      }
    }
  });

  it('ignores a chunked body, and serves the next request of the connection', async () => {
    const user = await makeUser(service);
    const head = `HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${user.key}\r\n`;
    const chunked = `POST /v1/authorize ${head}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n0\r\n\r\n`;
    const answers = await talk(service.url, `${chunked}GET /v1/authorize ${head}Connection: close\r\n\r\n`);
    expect(answers.match(/HTTP\/1\.1 204/g)).toHaveLength(2);
    expect(await booksOf(user)).toMatchObject({ rows: 2 });
  });

  it('refuses without charging: no credentials, bad ones, and a key whose user is suspended', async () => {
    const { headers, body } = await service.as().get('/v1/authorize').expect(401);
    expect(headers['www-authenticate']).toBe('Bearer realm="quotidian"');
    expect(body).toMatchObject({ status: 401, code: 'credentials-missing' });
    const user = await makeUser(service);
    await service
      .as(`${user.key.slice(0, -1)}${user.key.endsWith('x') ? 'y' : 'x'}`)
      .get('/v1/authorize/search')
      .expect(401);
    await service.as(user).set('authorization', 'Basic dTpw').get('/v1/authorize').set('authorization', 'Basic dTpw').expect(401);
    await service.as(user).get('/v1/authorize').expect(204);
    await service.sql(`UPDATE users SET status = 'suspended' WHERE id = $1`, [user.id]);
    // As the gateway's README has it: 403 until the suspension has reached this replica, which is within a second, and then 401.
    await eventually(async () => {
      const { status, body } = await service.as(user).get('/v1/authorize');
      expect([`401 credentials-invalid`, `403 user-suspended`]).toContain(`${status} ${body.code}`);
      expect(status).toBe(401);
    });
    expect(await booksOf(user)).toMatchObject({ rows: 1 });
  });

  it('refuses what is over the quota as submit does, and records nothing', async () => {
    const user = await makeUser(service, { dailyQuota: 1 });
    await service.as(user).get('/v1/authorize').expect(204);
    const refused = await service.as(user).get('/v1/authorize').expect(429);
    expect(refused.headers['content-type']).toBe('application/problem+json');
    expect(refused.headers.ratelimit).toMatch(/^"daily";r=0;t=\d+$/);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(refused.headers['x-charge-id'] ?? refused.headers['x-quota-status']).toBeUndefined();
    expect(refused.body).toMatchObject({ status: 429, code: 'quota-exceeded', 'violated-policies': ['daily'], limit: 1, used: 1, remaining: 0 });
    const never = await service.as(user).get('/v1/authorize').set('x-quota-cost', '2').expect(429);
    expect(never.body.code).toBe('cost-exceeds-quota');
    expect(await booksOf(user)).toEqual({ rows: 1, cost: 1, used: 1 });
  });

  it('answers a refused HEAD with the fields and no body', async () => {
    const user = await makeUser(service, { dailyQuota: 0 });
    const { status, headers, body } = await send(user, 'HEAD', '/v1/authorize');
    expect([status, body]).toEqual([429, '']);
    expect(headers.ratelimit).toMatch(/^"daily";r=0;/);
  });

  it('refuses a malformed cost or type by the name of its field, and charges nothing', async () => {
    const user = await makeUser(service);
    for (const cost of ['0', '-1', '1.5', '2147483648', 'x', '1, 1']) {
      const { body } = await service.as(user).get('/v1/authorize').set('x-quota-cost', cost).expect(400);
      expect(body).toMatchObject({ code: 'validation-failed', errors: [{ pointer: '#/headers/x-quota-cost' }] });
      expect(body.detail).toContain('X-Quota-Cost');
    }
    const { body } = await service.as(user).get('/v1/authorize').set({ 'x-quota-type': 'No Type', 'x-quota-cost': '0' }).expect(400);
    expect(body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual(['#/headers/x-quota-cost', '#/headers/x-quota-type']);
    expect(await booksOf(user)).toEqual({ rows: 0, cost: 0, used: 0 });
  });

  it('makes every refusal a 403 with its own status beside it when asked to, and nothing else', async () => {
    const user = await makeUser(service, { dailyQuota: 1 });
    const path = '/v1/authorize?denyStatus=403';
    const allowed = await service.as(user).get(path).expect(204);
    expect(allowed.headers['x-quota-status']).toBeUndefined();
    const spent = await service.as(user).get(path).expect(403);
    expect(spent.headers).toMatchObject({ 'x-quota-status': '429', 'content-type': 'application/problem+json', 'ratelimit-policy': '"daily";q=1;w=86400' });
    expect(spent.headers.ratelimit).toMatch(/^"daily";r=0;/);
    expect(Number(spent.headers['retry-after'])).toBeGreaterThan(0);
    expect(spent.body).toMatchObject({ status: 403, code: 'quota-exceeded', title: 'Quota exceeded', limit: 1 });
    expect(spent.body.detail).toMatch(/0 of 1 units/);
    const unknown = await service.as().put('/v1/authorize/search?denyStatus=403').expect(403);
    expect(unknown.headers).toMatchObject({ 'x-quota-status': '401', 'www-authenticate': 'Bearer realm="quotidian"' });
    const malformed = await service.as(user).get(path).set('x-quota-cost', 'x').expect(403);
    expect(malformed.headers['x-quota-status']).toBe('400');
  });

  it('answers 200 for a proxy that takes nothing else as a yes', async () => {
    const user = await makeUser(service, { dailyQuota: 1 });
    const { headers } = await service.as(user).get('/v1/authorize/search').set('x-quota-allow-status', '200').expect(200);
    expect(headers).toMatchObject({ 'x-user-id': String(user.id), 'content-length': '0' });
    await service.as(user).get('/v1/authorize').set('x-quota-allow-status', '200').expect(429);
  });

  it('charges once for one Idempotency-Key, which is another key than the same one of a submit', async () => {
    const user = await makeUser(service);
    const key = { 'idempotency-key': 'once' };
    const first = await service.as(user).get('/v1/authorize').set(key).expect(204);
    const again = await service.as(user).post('/v1/authorize/below').set(key).expect(204);
    expect(again.headers['x-charge-id']).toBe(first.headers['x-charge-id']);
    expect([first.headers['idempotency-replayed'], again.headers['idempotency-replayed']]).toEqual([undefined, 'true']);
    const other = await service.as(user).get('/v1/authorize').set(key).set('x-quota-cost', '2').expect(422);
    expect(other.body.code).toBe('idempotency-key-reused');
    await service.as(user).get('/v1/authorize').set('idempotency-key', 'not visible').expect(400);
    await service.as(user).post('/v1/requests').set(key).send({ type: 'search' }).expect(201);
    expect(await booksOf(user)).toEqual({ rows: 2, cost: 2, used: 2 });
  });

  it('charges once for 20 parallel calls with one Idempotency-Key on two replicas', async () => {
    const user = await makeUser(service);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => service.replicas[i % 2].as(user).get('/v1/authorize').set('idempotency-key', 'parallel')),
    );
    expect(new Set(answers.map(({ status, headers }) => `${status} ${headers['x-charge-id']}`)).size).toBe(1);
    expect(await booksOf(user)).toEqual({ rows: 1, cost: 1, used: 1 });
  });

  it('admits exactly 50 of 200 parallel calls on a quota of 50, from two replicas', async () => {
    const user = await makeUser(service, { dailyQuota: 50 });
    const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => service.replicas[i % 2].as(user).get('/v1/authorize')));
    const count = (status: number) => answers.filter((answer) => answer.status === status).length;
    expect([count(204), count(429)]).toEqual([50, 150]);
    expect(await booksOf(user)).toEqual({ rows: 50, cost: 50, used: 50 });
  });

  it("spends a key's own cap", async () => {
    const user = await makeUser(service, { dailyCap: 1 });
    const { headers } = await service.as(user).get('/v1/authorize').expect(204);
    expect(headers.ratelimit).toContain('"key";r=0');
    const { body } = await service.as(user).get('/v1/authorize').expect(429);
    expect(body.code).toBe('key-cap-exceeded');
  });

  it('does not charge for a caller who hung up while the charge waited', async () => {
    const user = await makeUser(service);
    await service.as(user).get('/v1/authorize').expect(204);
    const first = await inTransaction(service, async (blocker) => {
      await blocker.query('SELECT 1 FROM users WHERE id = $1 FOR UPDATE', [user.id]);
      // Both wait for the lock, each time for a moment, and the second's caller goes.
      const sent = service.as(user).get('/v1/authorize').expect(204);
      const done = sent.then(() => true);
      await untilBlocked(service, 1);
      const { hostname, port } = new URL(service.url);
      const accepted = once(service.app.getHttpServer(), 'connection') as Promise<[Socket]>;
      const gone = connect(Number(port), hostname);
      const [atService] = await accepted;
      gone.write(`GET /v1/authorize HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${user.key}\r\n\r\n`);
      const admission = service.app.get(AdmissionService);
      const tried = async (times: number) => {
        const { batches } = admission.counts;
        await eventually(() => admission.counts.batches >= batches + times);
      };
      await eventually(() => atService.bytesRead > 0);
      // The second charge waits behind the locked row, as the first does.
      await tried(2);
      gone.destroy();
      await eventually(() => atService.destroyed);
      await tried(2);
      await blocker.query('COMMIT');
      return done;
    });
    expect(first).toBe(true);
    await service.as(user).get('/v1/authorize').expect(204);
    expect(await booksOf(user)).toEqual({ rows: 3, cost: 3, used: 3 });
  });

  it("charges a known type's cost, and refuses an unknown one only where types are strict", async () => {
    const user = await makeUser(service);
    await service.sql(`INSERT INTO system_configurations (key, value) VALUES ('requests.types', $1), ('requests.strictTypes', 'true')`, [
      JSON.stringify({ render: { cost: 5 } }),
    ]);
    await eventually(async () => (await service.as(user).get('/v1/authorize').set('x-quota-type', 'unknown')).status === 400);
    const { body } = await service.as(user).get('/v1/authorize').set('x-quota-type', 'unknown').expect(400);
    expect(body.errors).toMatchObject([{ pointer: '#/headers/x-quota-type', code: 'unknown-type' }]);
    const { headers } = await service.as(user).get('/v1/authorize').set('x-quota-type', 'render').expect(204);
    expect(await service.sql('SELECT type, cost, status FROM requests WHERE id = $1', [headers['x-charge-id']])).toEqual([
      { type: 'render', cost: 5, status: 'succeeded' },
    ]);
    await service.as(user).get('/v1/authorize').expect(204);
  });

  it("holds a tier's burst limit", async () => {
    await service.sql(`INSERT INTO subscription_tiers (name, daily_quota, burst_per_minute) VALUES ('calm', 100, 2)`);
    const user = await makeUser(service, { tier: 'calm' });
    let refused;
    await eventually(async () => (refused = await service.as(user).get('/v1/authorize')).status === 429);
    expect(refused!.body).toMatchObject({ code: 'burst-exceeded', 'violated-policies': ['burst'] });
    expect(Number(refused!.headers['retry-after'])).toBeGreaterThan(0);
  });
});

/** Writes to the service's port and reads until it closes. */
function talk(url: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    let answer = '';
    const socket = connect(Number(port), hostname).on('error', reject);
    socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
    socket.on('close', () => resolve(answer)).write(text);
  });
}
