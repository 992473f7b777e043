import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { Command } from './support/command';
import { eventually } from './support/eventually';
import { makeAdmin, makeUser, PASSWORD, type TestUser } from './support/factories';
import { type Service, startReplica, startService } from './support/service';
import { startStallingProxy } from './support/stalling-proxy';

/*
 * The traps that were found on this stack before the house was built, and where each is sprung:
 *
 * T1  Midnight between the ledger's day and the counter's: test/quotas/period*.e2e-spec.ts, at a clock that is set.
 * T2  A terminated connection kills the process: database-down.e2e-spec.ts. Every client has a listener for errors.
 * T3  Errors without a code are 500: database-down.e2e-spec.ts; the texts are held by src/common/database-errors.spec.ts.
 * T4  A half-open link is never healed: below.
 * T5  A slow body is never cut off: slow-requests.e2e-spec.ts.
 * T6  Deep JSON is 500: hostile-input.e2e-spec.ts.
 * T7  NUL, lone surrogates, 1e400: hostile-input.e2e-spec.ts; no column is of type json: test/migrations.e2e-spec.ts.
 * T8  PgBouncer's transaction mode: test/database/pooler.e2e-spec.ts, and the suite through it (TEST_PGBOUNCER=1). Idempotency keys
 *     use transaction locks only; the one session lock, of the migrations, is on a direct connection.
 * T9  Three that migrate at once: test/migrations.e2e-spec.ts.
 * T10 bigint is text, dates shift with the process's zone: below.
 * T11 A sort column from outside is executed: cannot occur, since no list takes one, and the linter refuses
 *     orderBy(<variable>). An id that is undefined throws, below.
 * T12 Tokens that @nestjs/jwt would take: test/auth/access-tokens.e2e-spec.ts.
 * T13 Unknown fields, 0x10, look-alike addresses: test/users, test/auth/register.e2e-spec.ts; X-Forwarded-For: below.
 * T14 Secrets in the log: below.
 * T15 A full disk: 53100 is 503, src/common/database-errors.spec.ts; after a crash of the server the service heals by
 *     itself, as in database-down.e2e-spec.ts.
 */
describe('traps', () => {
  let service: Service;
  let user: TestUser;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startService();
    user = await makeUser(service);
    admin = await makeAdmin(service);
  });
  afterAll(() => service.close());

  it('T4: behind a link that swallows everything calls end in 503, and it heals when the network is back', async () => {
    const { host, port, user: role, password, database } = new Client({ connectionString: service.databaseUrl });
    const proxy = await startStallingProxy(host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port });
    const secret = password ? `:${encodeURIComponent(password)}` : '';
    const replica = await startReplica(`postgresql://${role}${secret}@127.0.0.1:${proxy.port}/${database}`);
    try {
      await replica.as(user).post('/v1/requests').send({ type: 'x' }).expect(201);
      proxy.stall();
      const calls = [replica.as(user).post('/v1/requests').send({ type: 'x' }), replica.as(user).get('/v1/requests'), replica.as().get('/health/ready')];
      for (const { status, headers } of await Promise.all(calls)) expect([status, headers['retry-after']]).toEqual([503, '1']);
      await replica.as().get('/health/live').expect(200);
      proxy.resume();
      await eventually(() => replica.as(user).post('/v1/requests').send({ type: 'x' }).expect(201), 10_000);
      await eventually(() => replica.as().get('/health/ready').expect(200), 10_000);
    } finally {
      await proxy.close();
      await replica.close();
    }
  });

  it('T10: days and instants are the same whatever the zone of the process and of the connection', async () => {
    const far = await makeUser(service, { timeZone: 'Pacific/Kiritimati' });
    const { body } = await service.as(far).post('/v1/requests').send({ type: 'x' }).expect(201);
    const [row] = await service.sql(
      `SELECT charged_on::text AS day, (now() AT TIME ZONE 'Pacific/Kiritimati')::date::text AS today, extract(epoch FROM created_at)::float8 * 1000 AS ms FROM requests WHERE id = $1`,
      [body.id],
    );
    expect(body.chargedOn).toBe(row.today);
    expect(row.day).toBe(row.today);
    expect(Math.abs(Date.parse(body.createdAt as string) - Number(row.ms))).toBeLessThan(1);
    const read = (
      await service
        .as(far)
        .get(`/v1/requests/${body.id as string}`)
        .expect(200)
    ).body;
    expect([read.chargedOn, read.createdAt]).toEqual([body.chargedOn, body.createdAt]);
    const usage = (await service.as(far).get('/v1/users/me/usage').expect(200)).body.items;
    expect(usage.at(-1)).toMatchObject({ date: row.today, used: 1, requests: 1 });
  });

  it('T11: a query by an id that is undefined or null is an error, not everybody', async () => {
    const users = service.app.get(DataSource).getRepository('User');
    await expect(users.findBy({ id: undefined })).rejects.toThrow(/undefined/i);
    await expect(users.findBy({ id: null as never })).rejects.toThrow(/null/i);
  });

  it('T13: X-Forwarded-For is believed from nobody, unless TRUST_PROXY states from whom', async () => {
    const wrong = { email: user.email, password: 'not the password' };
    const tries = async (replica: Pick<Service, 'as'>) => {
      const statuses: number[] = [];
      for (let i = 0; i < 12; i++) {
        const { status } = await replica.as().post('/v1/auth/login').set('x-forwarded-for', `203.0.113.${i}`).send(wrong);
        statuses.push(status);
      }
      return statuses.filter((status) => status === 429).length;
    };
    expect(await tries(service)).toBe(2);
    const behindProxy = await startReplica(service.databaseUrl, { TRUST_PROXY: '1' });
    expect(await tries(behindProxy)).toBe(0);
    await behindProxy.close();
  });

  it('T14: no secret comes into the log, and no line of it can be forged', async () => {
    const command = new Command(['serve'], {
      NODE_ENV: 'test',
      PORT: '0',
      HOST: '127.0.0.1',
      DATABASE_URL: service.databaseUrl,
      DATA_DIR: '.data',
      JWT_SECRET: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
      SECRETS_KEY: '101112131415161718191a1b1c1d1e1f000102030405060708090a0b0c0d0e0f',
      SCHEDULER_ENABLED: 'false',
      LOG_LEVEL: 'trace',
      LOG_FORMAT: 'json',
      LOG_REQUESTS: 'true',
    });
    try {
      const [, url] = await command.shows(/(http:\/\/127\.0\.0\.1:\d+)/);
      const call = (path: string, init: RequestInit = {}) => fetch(`${url}${path}`, init).then((answer) => answer.text());
      const json = { 'content-type': 'application/json' };
      await call('/v1/users/me?api_key=canary-query', {
        headers: { authorization: `Bearer ${admin.key}`, 'x-api-key': 'canary-header', cookie: 'canary-cookie' },
      });
      await call('/v1/users/canary-path%0a%7b%22level%22%3a%22error%22%7d', { headers: { 'user-agent': 'canary-agent' } });
      await call('/v1/auth/login', { method: 'POST', headers: json, body: JSON.stringify({ email: user.email, password: PASSWORD }) });
      await call('/v1/auth/login', { method: 'POST', headers: json, body: '{"email":"x@example.com","password":"canary-password"' });
      const made = JSON.parse(
        await call('/v1/users/me/api-keys', { method: 'POST', headers: { ...json, authorization: `Bearer ${admin.key}` }, body: '{"name":"x"}' }),
      ) as { key: string };
      await service.sql('ALTER TABLE requests ADD CONSTRAINT requests_canary_check CHECK (type <> $$canary-type$$) NOT VALID');
      const submit = {
        method: 'POST',
        headers: { ...json, authorization: `Bearer ${user.key}` },
        body: '{"type":"canary-type","payload":{"a":"canary-payload"}}',
      };
      expect(JSON.parse(await call('/v1/requests', submit))).toMatchObject({ status: 500, code: 'internal-error' });
      await service.sql('ALTER TABLE requests DROP CONSTRAINT requests_canary_check');
      await command.shows(/"level":"error"/);
      const log = command.stdout + command.stderr;
      expect(log).toContain('"route":"/v1/users/:userId"');
      for (const secret of [
        /canary-(query|header|cookie|path|agent|password|payload)/,
        new RegExp(`${admin.key}|${user.key}|${made.key}`),
        new RegExp(PASSWORD),
        /\$argon2/,
        /eyJ/,
      ]) {
        expect(log).not.toMatch(secret);
      }
      for (const line of log.split('\n').filter((text) => text.startsWith('{'))) expect(() => JSON.parse(line) as unknown).not.toThrow();
    } finally {
      command.child.kill('SIGTERM');
      await command.finished();
    }
  }, 60_000);
});
