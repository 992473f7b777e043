import { eventually } from '../support/eventually';
import { makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { execute, withDatabase } from '../support/databases';
import { inTransaction } from '../support/waiting';

describe('a database that is away', () => {
  let service: Service;
  let user: TestUser;
  let admin: string;
  let name: string;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    user = await makeUser(service, { unlimited: true });
    name = new URL(service.databaseUrl.replace(/^\w+:\/\/[^/]*/, 'http://x')).pathname.slice(1);
    admin = withDatabase(service.databaseUrl, 'postgres');
  });
  afterAll(() => service.close());

  const disconnect = () => execute(admin, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}' AND pid <> pg_backend_pid()`);
  const calls = (i: number) => {
    const as = service.replicas[i % 2].as(user);
    return [
      as.post('/v1/requests').set('idempotency-key', `call-${i}`).send({ type: 'x' }),
      as.get('/v1/users/me/quota'),
      as.get('/v1/requests?limit=1'),
      service.as().get('/v1/tiers'),
    ][i % 4];
  };

  it('is answered with 503 and Retry-After or not noticed, never with 500, and no acknowledged charge is lost', async () => {
    const acknowledged: string[] = [];
    const others: { status: number; code: string; wait: string | undefined; path: string }[] = [];
    let over = false;
    const callers = Array.from({ length: 8 }, async (_, c) => {
      for (let i = c * 10_000; !over; i++) {
        const { status, body, headers, request } = await calls(i);
        if (status === 201) acknowledged.push(body.id as string);
        else if (status !== 200) others.push({ status, code: body.code, wait: headers['retry-after'], path: (request as { url: string }).url });
      }
    });
    for (let i = 0; i < 6; i++) {
      const before = acknowledged.length;
      await disconnect();
      // The service is back at work before the next blow.
      await eventually(async () => Promise.resolve(expect(acknowledged.length).toBeGreaterThan(before + 5)), 10_000);
    }
    over = true;
    await Promise.all(callers);
    expect(others.filter(({ status, wait }) => status !== 503 || wait === undefined)).toEqual([]);
    const [kept] = await service.sql('SELECT count(*)::int AS n FROM requests WHERE id = ANY ($1)', [acknowledged]);
    expect(kept.n).toBe(acknowledged.length);
    const [books] = await service.sql(
      'SELECT api_quota_used_today = (SELECT sum(cost) FROM requests WHERE user_id = u.id) AS agree FROM users u WHERE id = $1',
      [user.id],
    );
    expect(books.agree).toBe(true);
  });

  it('that refuses connections is 503 everywhere but at liveness, and service resumes by itself', async () => {
    await execute(admin, `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
    await disconnect();
    await eventually(async () => {
      for (let i = 0; i < 8; i++) {
        const { status, headers, body } = await calls(i);
        expect([status, body.code, headers['retry-after']]).toEqual([503, expect.any(String), expect.stringMatching(/^\d+$/)]);
        expect(headers['content-type']).toBe('application/problem+json');
      }
    });
    const { body } = await service.as().get('/health/ready').expect(503);
    expect(body.checks.database.status).toBe('down');
    await service.as().get('/health/live').expect(200);
    await service.as().get('/metrics').expect(200);
    await service.as().post('/v1/auth/login').send({ email: user.email, password: 'correct horse' }).expect(503);
    await execute(admin, `ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
    for (const replica of service.replicas) {
      await eventually(() => replica.as().get('/health/ready').expect(200), 5_000);
      await eventually(() => replica.as(user).post('/v1/requests').send({ type: 'x' }).expect(201), 5_000);
    }
  });

  it('that stays locked ends in 503 with nothing charged, and others are served meanwhile', async () => {
    const locked = await makeUser(service);
    const free = await makeUser(service);
    await inTransaction(service, async (client) => {
      await client.query('SELECT 1 FROM users WHERE id = $1 FOR UPDATE', [locked.id]);
      const waiting = service.as(locked).post('/v1/requests').send({ type: 'x' });
      const settled = waiting.then((answer) => answer);
      await service.replicas[1].as(free).get('/v1/users/me/quota').expect(200);
      const { status, headers } = await settled;
      expect([status, headers['retry-after']]).toEqual([503, '1']);
    });
    const [row] = await service.sql('SELECT count(*)::int AS n FROM requests WHERE user_id = $1', [locked.id]);
    expect(row.n).toBe(0);
    await service.as(locked).post('/v1/requests').send({ type: 'x' }).expect(201);
  });
});
