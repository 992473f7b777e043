import { randomBytes } from 'node:crypto';
import { makeWorker, newType } from '../requests/work';
import { createDatabase, execute, type TestDatabase, withDatabase } from '../support/databases';
import { makeAdmin, makeUser, PASSWORD, type TestUser } from '../support/factories';
import { type Replica, type Service, startReplica, startService } from '../support/service';

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** What a role or a database may state; each of them changed an answer or failed a statement when it was not pinned. */
const BAD = {
  DateStyle: `'German, DMY'`,
  TimeZone: `'Africa/Cairo'`,
  IntervalStyle: `'iso_8601'`,
  default_transaction_isolation: 'serializable',
  default_transaction_read_only: 'on',
  default_transaction_deferrable: 'on',
  search_path: 'hostile, public',
  standard_conforming_strings: 'off',
  bytea_output: 'escape',
  extra_float_digits: '-15',
  client_encoding: 'LATIN1',
  array_nulls: 'off',
  transform_null_equals: 'on',
  statement_timeout: '1',
  lock_timeout: '1',
  idle_in_transaction_session_timeout: '1',
  idle_session_timeout: '1',
  synchronous_commit: 'off',
  row_security: 'off',
} satisfies Record<string, string>;

/** By what they change, each of another kind, so that none hides what another one does. All at once are stated besides. */
const APART = [
  ['DateStyle', 'default_transaction_isolation', 'standard_conforming_strings', 'statement_timeout'],
  ['TimeZone', 'default_transaction_read_only', 'bytea_output', 'array_nulls'],
  ['IntervalStyle', 'default_transaction_deferrable', 'client_encoding', 'lock_timeout'],
  ['search_path', 'extra_float_digits', 'transform_null_equals', 'idle_in_transaction_session_timeout'],
  ['row_security', 'synchronous_commit', 'idle_session_timeout'],
] satisfies (keyof typeof BAD)[][];

/** The same ones, as somebody may write them into a URL. */
const inUrl = (settings: Record<string, string>) =>
  Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value.replaceAll(`'`, '').replaceAll(' ', '\\ ')}`)
    .join(' ');

/** The UTC day that ends at the instant. */
const dayBefore = (instant: string) => new Date(Date.parse(instant) - 1).toISOString().slice(0, 10);

/** Somebody's tables and functions of our names, ahead of ours on the path. */
const HOSTILE_SCHEMA = [
  'CREATE SCHEMA hostile',
  'CREATE TABLE hostile.users (id integer, email text)',
  'CREATE TABLE hostile.requests (id integer)',
  `CREATE FUNCTION hostile.quota_default_zone() RETURNS text LANGUAGE sql AS $$ SELECT 'Africa/Cairo' $$`,
  `CREATE FUNCTION hostile.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT timestamptz '2001-01-01' $$`,
];

describe('a session of the service means the same by its statements', () => {
  let database: TestDatabase;
  let name: string;
  let service: Service;
  let [admin, worker]: TestUser[] = [];
  const roles: string[] = [];
  /** From a database that nobody spoiled. */
  const administer = (sql: string) => execute(withDatabase(database.url, 'postgres'), sql);
  beforeAll(async () => {
    database = await createDatabase();
    name = /\/(quotidian_test_\w+)/.exec(database.url)?.[1] as string;
    service = await startService({ database });
    admin = await makeAdmin(service);
    worker = await makeWorker(service);
    for (const sql of HOSTILE_SCHEMA) await execute(database.url, sql);
  });
  afterEach(() => administer(`ALTER DATABASE ${name} RESET ALL`));
  afterAll(async () => {
    await service.close();
    for (const role of roles) await administer(`DROP ROLE ${role}`);
  });

  /** A user's day from the registration to the last page of the usage, with work, settings and keys; nothing of it may fail. */
  async function live(replica: Replica): Promise<void> {
    const email = `${randomBytes(6).toString('hex')}@example.com`;
    const type = newType();
    const { body: registered } = await replica.as().post('/v1/auth/register').send({ email, password: PASSWORD }).expect(201);
    expect(registered.createdAt).toMatch(INSTANT);
    const { body: session } = await replica.as().post('/v1/auth/login').send({ email, password: PASSWORD }).expect(200);
    const { body: again } = await replica.as().post('/v1/auth/refresh').send({ refreshToken: session.refreshToken }).expect(200);
    const { body: key } = await replica
      .as(again.accessToken)
      .post('/v1/users/me/api-keys')
      .set('idempotency-key', email)
      .send({ name: 'k', scopes: ['requests:write', 'requests:read', 'quota:read'] })
      .expect(201);
    const user = { key: key.key as string };
    const deadlineAt = new Date(Date.now() + 3_600_000).toISOString();
    const { body: submitted } = await replica.as(user).post('/v1/requests').set('idempotency-key', email).send({ type, deadlineAt }).expect(201);
    expect([submitted.createdAt, submitted.deadlineAt]).toEqual([expect.stringMatching(INSTANT), deadlineAt]);
    await replica.as(user).post('/v1/requests').set('idempotency-key', email).send({ type, deadlineAt }).expect(201);
    const { body: claimed } = await replica
      .as(worker)
      .post('/v1/requests/claim')
      .send({ types: [type] })
      .expect(200);
    expect(claimed.items).toMatchObject([{ id: submitted.id, leaseExpiresAt: expect.stringMatching(INSTANT) }]);
    const { id, attempt } = claimed.items[0];
    await replica
      .as(worker)
      .post(`/v1/requests/${id}/complete`)
      .send({ attempt, result: { ok: true } })
      .expect(200);
    const { body: quota } = await replica.as(user).get('/v1/users/me/quota').expect(200);
    expect(quota).toMatchObject({ used: 1, resetsAt: expect.stringMatching(INSTANT) });
    const { body: usage } = await replica.as(user).get('/v1/users/me/usage').expect(200);
    expect(usage.items).toHaveLength(30);
    expect(usage.items.at(-1)).toMatchObject({ date: dayBefore(quota.resetsAt as string), used: 1 });
    const { body: list } = await replica.as(user).get('/v1/requests?limit=1').expect(200);
    expect(list.items).toMatchObject([{ id, status: 'succeeded', finishedAt: expect.stringMatching(INSTANT) }]);
    const version = { 'if-match': (await replica.as(admin).get('/v1/configurations/quota.refundDailyCap').expect(200)).headers.etag };
    await replica.as(admin).put('/v1/configurations/quota.refundDailyCap').set(version).send({ value: 7 }).expect(200);
    await replica.as(admin).get('/v1/audit-events?limit=5').expect(200);
    await replica.as(admin).post('/v1/jobs/quota-reset/run').expect(200);
    const { body: ready } = await replica.as().get('/health/ready').expect(200);
    expect(ready.status).toBe('ready');
  }

  async function livesOn(url: string): Promise<void> {
    const replica = await startReplica(url);
    await live(replica).finally(() => replica.close());
  }

  it('as shipped', () => livesOn(database.url));

  it.each(APART.map((settings) => [settings.join(', '), settings]))('though the database states another %s', async (_, settings) => {
    for (const setting of settings) await administer(`ALTER DATABASE ${name} SET ${setting} = ${BAD[setting]}`);
    await livesOn(database.url);
  });

  it('though its role states all of that at once', async () => {
    const role = `role_${randomBytes(4).toString('hex')}`;
    roles.push(role);
    await administer(`CREATE ROLE ${role} LOGIN SUPERUSER PASSWORD 'secret'`);
    for (const [setting, value] of Object.entries(BAD)) await administer(`ALTER ROLE ${role} SET ${setting} = ${value}`);
    await livesOn(database.url.replace(/^(\w+:\/\/)[^@/]*@/, `$1${role}:secret@`));
  });

  it('though the URL states all of that at once, in its options or by name', async () => {
    const { search_path: _, ...bad } = BAD;
    const mark = database.url.includes('?') ? '&' : '?';
    const named = 'statement_timeout=1&lock_timeout=1&idle_in_transaction_session_timeout=1&query_timeout=1&client_encoding=LATIN1';
    await livesOn(`${database.url}${mark}options=${encodeURIComponent(inUrl(bad))}&${named}`);
  });

  it.each(['nowhere', `''`, 'pg_catalog'])('and finds its tables though the search_path of the database is %s', async (path) => {
    await administer(`ALTER DATABASE ${name} SET search_path = ${path}`);
    await livesOn(database.url);
  });

  it('and keeps to the schema that the URL names, empty as it is', async () => {
    await execute(database.url, 'CREATE SCHEMA second');
    const mark = database.url.includes('?') ? '&' : '?';
    const url = `${database.url}${mark}options=${encodeURIComponent('-c search_path=second')}`;
    const replica = await startReplica(url, { MIGRATE_ON_START: true });
    try {
      const { body } = await replica.as().post('/v1/auth/register').send({ email: 'second@example.com', password: PASSWORD }).expect(201);
      expect(await service.sql('SELECT email FROM second.users WHERE id = $1', [body.id])).toEqual([{ email: 'second@example.com' }]);
      expect(await service.sql(`SELECT FROM public.users WHERE email = 'second@example.com'`)).toEqual([]);
    } finally {
      await replica.close();
      await execute(database.url, 'DROP SCHEMA second CASCADE');
    }
  });

  it.each(['serializable', '"repeatable read"'])('and nobody is turned away under contention though the default isolation is %s', async (level) => {
    await administer(`ALTER DATABASE ${name} SET default_transaction_isolation = ${level}`);
    const replicas = await Promise.all([startReplica(database.url), startReplica(database.url)]);
    try {
      const users = await Promise.all(Array.from({ length: 4 }, () => makeUser(service, { dailyQuota: 1_000 })));
      const type = newType();
      const answers = await Promise.all(
        Array.from({ length: 200 }, async (_, i) => {
          const replica = replicas[i % 2];
          const user = users[i % 4];
          const calls = [
            () => replica.as(user).post('/v1/requests').send({ type }),
            () =>
              replica
                .as(worker)
                .post('/v1/requests/claim')
                .send({ types: [type], limit: 3 }),
            () =>
              replica
                .as(admin)
                .patch(`/v1/users/${user.id}`)
                .send({ timeZone: ['Asia/Kathmandu', 'Etc/UTC'][(i % 3) & 1] }),
            () => replica.as(admin).put(`/v1/users/${user.id}/quota/override`).send({ dailyQuota: 500, expiresAt: '2999-01-01T00:00:00Z', reason: 'test' }),
          ];
          return (await (calls[Math.floor(i / 2) % calls.length] as () => Promise<{ status: number }>)()).status;
        }),
      );
      expect(answers.filter((status) => status >= 400)).toEqual([]);
    } finally {
      await Promise.all(replicas.map((replica) => replica.close()));
    }
  });
});
