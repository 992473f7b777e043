import { join } from 'node:path';
import request from 'supertest';
import { makeUser } from '../support/factories';
import { HAS_NGINX, startNginx } from '../support/nginx';
import { type ProxyProcess } from '../support/proxy-process';
import { rawRequest } from '../support/raw-http';
import { type Service, startService } from '../support/service';
import { type Call, Upstream } from './upstream';

const CONFIGURATION = join(__dirname, '../../docs/gateway/nginx.conf');

if (!HAS_NGINX) process.stderr.write('\n*** SKIPPED: nginx is not installed, so docs/gateway/nginx.conf was not tested (apt-get install nginx) ***\n\n');

(HAS_NGINX ? describe : describe.skip)('an API behind nginx as docs/gateway/nginx.conf sets it up', () => {
  let service: Service;
  let nginx: ProxyProcess;
  let upstream: Upstream;
  let calls: Call[];

  beforeAll(async () => {
    service = await startService();
    upstream = await Upstream.start();
    calls = upstream.calls;
    nginx = await startNginx(CONFIGURATION, { '127.0.0.1:8080': upstream.address, '127.0.0.1:3000': service.url.slice('http://'.length) });
  });
  beforeEach(() => {
    calls.length = 0;
  });
  afterAll(async () => {
    await nginx.stop();
    upstream.close();
    await service.close();
  });

  const as = (user?: { key: string }) => {
    const agent = request.agent(nginx.url);
    return user ? agent.set('authorization', `Bearer ${user.key}`) : agent;
  };

  it('forwards until the quota is spent and answers 429 from then on, for which the API is never touched', async () => {
    const user = await makeUser(service, { dailyQuota: 3, tier: 'pro' });
    for (const left of [2, 1, 0]) {
      const { headers, text } = await as(user).get('/items?page=1').expect(200);
      expect(text).toBe('from the API');
      expect(headers.ratelimit).toMatch(new RegExp(`^"daily";r=${left};t=\\d+$`));
      expect(headers['ratelimit-policy']).toBe('"daily";q=3;w=86400');
    }
    const refused = await as(user).get('/items').expect(429);
    expect(refused.headers).toMatchObject({ 'content-type': 'application/problem+json', 'ratelimit-policy': '"daily";q=3;w=86400' });
    expect(refused.headers.ratelimit).toMatch(/^"daily";r=0;t=\d+$/);
    expect(Number(refused.headers['retry-after'])).toBe(Number(/t=(\d+)/.exec(refused.headers.ratelimit)![1]));
    expect(refused.body).toEqual({ title: 'Quota exceeded', status: 429 });
    expect(calls).toHaveLength(3);
    const ids = await service.sql<{ id: string }>('SELECT id FROM requests WHERE user_id = $1 ORDER BY id', [user.id]);
    expect(calls.map(({ headers }) => headers['x-charge-id'])).toEqual(ids.map(({ id }) => id));
    expect(calls[0]).toMatchObject({ url: '/items?page=1', headers: { 'x-user-id': String(user.id), 'x-user-tier': 'pro' } });
    expect(calls[0].headers.authorization).toBeUndefined();
  });

  it('charges by path', async () => {
    const user = await makeUser(service, { dailyQuota: 11 });
    expect((await as(user).get('/reports/2026').expect(200)).headers.ratelimit).toMatch(/r=6;/);
    expect((await as(user).get('/items').expect(200)).headers.ratelimit).toMatch(/r=5;/);
    expect((await as(user).get('/items/../reports/2026').expect(200)).headers.ratelimit).toMatch(/r=0;/);
    await as(user).get('/reports/2026').expect(429);
    expect(calls).toHaveLength(3);
  });

  it('charges the same however the path is written: large letters, and without the last slash', async () => {
    const user = await makeUser(service, { dailyQuota: 100 });
    for (const [i, path] of ['/Reports/1', '/reports', '/REPORTS/', '/%52eports/1'].entries()) {
      expect((await as(user).get(path).expect(200)).headers.ratelimit).toMatch(new RegExp(`r=${95 - 5 * i};`));
    }
    expect((await as(user).get('/reportsabout').expect(200)).headers.ratelimit).toMatch(/r=79;/);
  });

  it('passes on whom the call was for and where it came from, and a body of five megabytes', async () => {
    const user = await makeUser(service);
    await as(user).post('/items').set('host', 'api.example.com').set('x-forwarded-for', '203.0.113.9').send('x'.repeat(5_000_000)).expect(200);
    expect(calls[0].headers).toMatchObject({ host: 'api.example.com', 'x-forwarded-for': '203.0.113.9, 127.0.0.1', 'x-forwarded-proto': 'http' });
    expect(calls[0].body).toHaveLength(5_000_000);
  });

  it('lets a call ask for another protocol', async () => {
    const user = await makeUser(service, { dailyQuota: 5 });
    await as(user).get('/socket').set('connection', 'Upgrade').set('upgrade', 'websocket').expect(200);
    expect(calls[0].headers).toMatchObject({ connection: 'upgrade', upgrade: 'websocket' });
  });

  it('forwards a body and the method, whatever the body is, and charges a HEAD and an OPTIONS too', async () => {
    const user = await makeUser(service, { dailyQuota: 4 });
    await as(user).put('/items/1').set('content-type', 'application/json').send('{"broken').expect(200);
    await as(user).post('/items').set('content-type', 'text/xml').send('<a>').expect(200);
    await as(user).head('/items').expect(200);
    await as(user).options('/items').expect(200);
    await as(user).get('/items').expect(429);
    expect(calls.map(({ method, body }) => [method, body])).toEqual([
      ['PUT', '{"broken'],
      ['POST', '<a>'],
      ['HEAD', ''],
      ['OPTIONS', ''],
    ]);
  });

  it('lets no client choose the cost, the key of the charge or who it is', async () => {
    const user = await makeUser(service, { dailyQuota: 100 });
    const forged = { 'x-quota-cost': '1', 'x-quota-type': 'free', 'x-quota-hold': '60', 'idempotency-key': 'always', 'x-user-id': '1', 'x-charge-id': 'mine' };
    for (const left of [95, 90]) {
      const { headers } = await as(user).get('/reports/1').set(forged).expect(200);
      expect(headers.ratelimit).toMatch(new RegExp(`r=${left};`));
    }
    expect(calls.map(({ headers }) => headers['x-user-id'])).toEqual([String(user.id), String(user.id)]);
    expect(await service.sql('SELECT DISTINCT type, cost, status FROM requests WHERE user_id = $1', [user.id])).toEqual([
      { type: 'gateway', cost: 5, status: 'succeeded' },
    ]);
    const check = await as(user).get('/_quota').expect(404);
    expect(check.headers['x-charge-id']).toBeUndefined();
  });

  it('answers 401 with the challenge for bad credentials, and for none', async () => {
    const none = await as().get('/items').expect(401);
    expect(none.headers['www-authenticate']).toBe('Bearer realm="quotidian"');
    const bad = await as({ key: 'nonsense' }).get('/items').expect(401);
    expect(bad.headers['www-authenticate']).toContain('error="invalid_token"');
    expect(bad.headers['retry-after'] ?? bad.headers.ratelimit).toBeUndefined();
    expect(calls).toEqual([]);
  });

  it('lets no client push the cost out of the header with hundreds of lines of its own', async () => {
    const user = await makeUser(service, { dailyQuota: 100 });
    const lines = 'a: b\r\n'.repeat(300);
    const head = `GET /reports/1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${user.key}\r\nConnection: close\r\nX-Quota-Cost: 1\r\nX-Quota-Type: free\r\n`;
    expect((await rawRequest(nginx.url, `${head}${lines}\r\n`)).status).toBe(200);
    expect(await service.sql('SELECT DISTINCT type, cost FROM requests WHERE user_id = $1', [user.id])).toEqual([{ type: 'gateway', cost: 5 }]);
  });

  it("passes the API's own 403 on as it is", async () => {
    const user = await makeUser(service);
    const { text } = await as(user).get('/forbidden').expect(403);
    expect(text).toBe('from the API');
  });

  it('admits exactly what the quota holds of parallel calls', async () => {
    const user = await makeUser(service, { dailyQuota: 20 });
    const answers = await Promise.all(Array.from({ length: 100 }, () => as(user).get('/items')));
    const count = (status: number) => answers.filter((answer) => answer.status === status).length;
    expect([count(200), count(429), calls.length]).toEqual([20, 80, 20]);
  });

  it('reserves units, which the API settles or gives back by the id of the charge', async () => {
    const user = await makeUser(service, { dailyQuota: 30 });
    const worker = await makeUser(service, { scopes: ['worker'] });
    const used = async () => (await service.as(user).get('/v1/users/me/quota').expect(200)).body.used as number;
    const during: number[] = [];
    upstream.work = async ({ url, headers }) => {
      during.push(await used());
      const [act, body] = url === '/renders/good' ? ['complete', { attempt: 1, units: 4 }] : ['fail', { attempt: 1, error: 'no paper' }];
      await service
        .as(worker)
        .post(`/v1/requests/${headers['x-charge-id'] as string}/${act}`)
        .send(body)
        .expect(200);
    };
    await as(user).post('/renders/good').expect(200);
    await as(user).post('/renders/broken').expect(200);
    upstream.work = () => Promise.resolve();
    expect(during).toEqual([10, 14]);
    expect(await used()).toBe(4);
    expect(await service.sql('SELECT status, cost, refunded_units FROM requests WHERE user_id = $1 ORDER BY id', [user.id])).toEqual([
      { status: 'succeeded', cost: 10, refunded_units: 6 },
      { status: 'failed', cost: 10, refunded_units: 10 },
    ]);
  });

  it('lets nothing through while the check cannot be asked, and states that it will pass', async () => {
    const user = await makeUser(service);
    const cut = await startNginx(CONFIGURATION, { '127.0.0.1:3000': '127.0.0.1:1' });
    const { headers } = await request(cut.url).get('/items').set('authorization', `Bearer ${user.key}`).expect(503);
    await cut.stop();
    expect(headers['retry-after']).toBe('1');
    expect(calls).toEqual([]);
  });
});
