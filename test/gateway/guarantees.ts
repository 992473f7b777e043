import request from 'supertest';
import { makeUser } from '../support/factories';
import { type Addresses } from '../support/proxy-process';
import { rawRequest } from '../support/raw-http';
import { type Service, startService } from '../support/service';
import { type Call, Upstream } from './upstream';

export interface StartedProxy {
  url: string;
  stop(): Promise<void>;
}

/** Where the recipes state that the API and the service are. */
const API = '127.0.0.1:8080';
const CHECK = '127.0.0.1:3000';

interface Manner {
  start: (addresses: Addresses) => Promise<StartedProxy>;
  /** Whether the client is shown what is left of a call that is let through. */
  showsWhatIsLeft: boolean;
  /** What the client is answered while the check cannot be asked. */
  whileCut: number;
}

/** What every recipe promises, as tests of the one that `start` puts before an API. */
export function itMeters({ start, showsWhatIsLeft, whileCut }: Manner): void {
  let service: Service;
  let proxy: StartedProxy | undefined;
  let upstream: Upstream;
  let calls: Call[];

  beforeAll(async () => {
    service = await startService();
    upstream = await Upstream.start();
    calls = upstream.calls;
    proxy = await start({ [API]: upstream.address, [CHECK]: service.url.slice('http://'.length) });
  });
  beforeEach(() => {
    calls.length = 0;
  });
  afterAll(async () => {
    await proxy?.stop();
    upstream.close();
    await service.close();
  });

  const as = (user?: { key: string }) => {
    const agent = request.agent(proxy!.url);
    return user ? agent.set('authorization', `Bearer ${user.key}`) : agent;
  };
  const left = async (user: { key: string }) => (await service.as(user).get('/v1/users/me/quota').expect(200)).body.remaining as number;

  it('forwards until the quota is spent and answers 429 from then on, for which the API is never touched', async () => {
    const user = await makeUser(service, { dailyQuota: 3, tier: 'pro' });
    for (const r of [2, 1, 0]) {
      const { headers, text } = await as(user).get('/items?page=1').expect(200);
      expect(text).toBe('from the API');
      if (showsWhatIsLeft) {
        expect(headers.ratelimit).toMatch(new RegExp(`^"daily";r=${r};t=\\d+$`));
        expect(headers['ratelimit-policy']).toBe('"daily";q=3;w=86400');
      }
    }
    const refused = await as(user).get('/items').expect(429);
    expect(refused.headers).toMatchObject({ 'content-type': expect.stringContaining('application/problem+json'), 'ratelimit-policy': '"daily";q=3;w=86400' });
    expect(refused.headers.ratelimit).toMatch(/^"daily";r=0;t=\d+$/);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(Number(/t=(\d+)/.exec(refused.headers.ratelimit)![1]));
    expect(refused.body).toMatchObject({ status: 429, code: 'quota-exceeded' });
    expect(calls).toHaveLength(3);
    const ids = await service.sql<{ id: string }>('SELECT id FROM requests WHERE user_id = $1 ORDER BY id', [user.id]);
    expect(calls.map(({ headers }) => headers['x-charge-id'])).toEqual(ids.map(({ id }) => id));
    expect(calls[0]).toMatchObject({ url: '/items?page=1', headers: { 'x-user-id': String(user.id), 'x-user-tier': 'pro' } });
    expect(calls[0].headers.authorization).toBeUndefined();
  });

  it('charges by path, as the API sees it', async () => {
    const user = await makeUser(service, { dailyQuota: 11 });
    await as(user).get('/reports/2026').expect(200);
    expect(await left(user)).toBe(6);
    await as(user).get('/items').expect(200);
    expect(await left(user)).toBe(5);
    await as(user).get('/items/../reports/2026').expect(200);
    expect(await left(user)).toBe(0);
    await as(user).get('/reports/2026').expect(429);
    expect(calls).toHaveLength(3);
  });

  it('forwards a body and the method, whatever the body is, and charges a HEAD and an OPTIONS too', async () => {
    const user = await makeUser(service, { dailyQuota: 4 });
    await as(user).put('/items/1').set('content-type', 'application/json').send('{"broken').expect(200);
    await as(user).post('/items').set('content-type', 'text/xml').send('<a>').expect(200);
    await as(user).head('/items').expect(200);
    await as(user).options('/items').expect(200);
    await as(user).post('/items').set('content-type', 'text/xml').send('<a>').expect(429);
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
    for (const then of [95, 90]) {
      await as(user).get('/reports/1').set(forged).expect(200);
      expect(await left(user)).toBe(then);
    }
    expect(calls.map(({ headers }) => headers['x-user-id'])).toEqual([String(user.id), String(user.id)]);
    expect(calls.map(({ headers }) => headers['x-charge-id'])).not.toContain('mine');
    expect(await service.sql('SELECT DISTINCT type, cost, status FROM requests WHERE user_id = $1', [user.id])).toEqual([
      { type: 'gateway', cost: 5, status: 'succeeded' },
    ]);
  });

  it('lets no client take the cost away by calling it a field of the connection', async () => {
    const user = await makeUser(service, { dailyQuota: 100 });
    await as(user).get('/reports/1').set('connection', 'close, x-quota-cost').set('x-quota-cost', '1').expect(200);
    expect(await left(user)).toBe(95);
  });

  it('lets no client push the cost out of the header with a thousand lines of its own', async () => {
    const user = await makeUser(service, { dailyQuota: 100 });
    const call = (lines: number) =>
      rawRequest(proxy!.url, `GET /reports/1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${user.key}\r\nConnection: close\r\n${'a: b\r\n'.repeat(lines)}\r\n`);
    expect((await call(150)).status).toBe(200);
    expect(await left(user)).toBe(95);
    const { status } = await call(1_000);
    expect(await left(user)).toBe(status === 200 ? 90 : 95);
  });

  it('answers 401 with the challenge for bad credentials, and for none', async () => {
    const none = await as().get('/items').expect(401);
    expect(none.headers['www-authenticate']).toBe('Bearer realm="quotidian"');
    const bad = await as({ key: 'nonsense' }).get('/items').expect(401);
    expect(bad.headers['www-authenticate']).toContain('error="invalid_token"');
    expect(calls).toEqual([]);
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

  it('lets nothing through while the check cannot be asked', async () => {
    const user = await makeUser(service);
    const cut = await start({ [API]: upstream.address, [CHECK]: '127.0.0.1:1' });
    await request(cut.url).get('/items').set('authorization', `Bearer ${user.key}`).expect(whileCut);
    await cut.stop();
    expect(calls).toEqual([]);
  });
}
