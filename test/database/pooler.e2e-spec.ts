import { migrate } from '../../src/database/migrate';
import { createDatabase, execute } from '../support/databases';
import { eventually } from '../support/eventually';
import { makeAdmin, makeUser } from '../support/factories';
import { HAS_PGBOUNCER, type PgBouncer, startPgBouncer } from '../support/pgbouncer';
import { type Replica, type Service, startReplica, startService } from '../support/service';

if (!HAS_PGBOUNCER)
  process.stderr.write('\n*** SKIPPED: pgbouncer is not installed, so the way through a pooler was not tested (apt-get install pgbouncer) ***\n\n');

(HAS_PGBOUNCER ? describe : describe.skip)('behind PgBouncer in transaction mode', () => {
  let bouncer: PgBouncer;
  let service: Service;
  /** Without a way around the pooler. */
  let polling: Replica;
  let pooled: string;
  beforeAll(async () => {
    const database = await createDatabase();
    bouncer = await startPgBouncer(database.url);
    pooled = bouncer.through(database.url);
    // What a role's or a database's defaults make of a session is not to reach us, though options cannot be given.
    for (const setting of [
      "datestyle = 'SQL, DMY'",
      "timezone = 'Asia/Kathmandu'",
      'default_transaction_isolation = serializable',
      'default_transaction_read_only = on',
    ]) {
      await execute(database.url, `ALTER DATABASE ${/quotidian_test_\w+/.exec(database.url)?.[0]} SET ${setting}`);
    }
    const direct = `${database.url}${database.url.includes('?') ? '&' : '?'}options=-c%20default_transaction_read_only%3Doff`;
    service = await startService({ database: { ...database, url: direct }, environment: { DATABASE_URL: pooled, DATABASE_DIRECT_URL: database.url } });
    polling = await startReplica(pooled);
  });
  afterAll(async () => {
    await polling.close();
    await service.close();
    await bouncer.stop();
  });

  it('a process listens by its direct connection; one that has none polls, and reports that', async () => {
    const [listening, asking] = await Promise.all([service, polling].map((one) => one.as().get('/health/ready').expect(200)));
    expect(listening?.body.checks.notifications).toEqual({ status: 'up' });
    expect(asking?.body.checks.notifications).toEqual({ status: 'degraded', detail: expect.stringContaining('DATABASE_DIRECT_URL is not set') });
  });

  it('a revoked key stops, and a setting comes into force, also where changes are polled for', async () => {
    const [user, admin] = await Promise.all([makeUser(service), makeAdmin(service)]);
    await polling.as(user).get('/v1/users/me/quota').expect(200);
    await service.sql('UPDATE api_keys SET revoked_at = now() WHERE user_id = $1', [user.id]);
    await eventually(() => polling.as(user).get('/v1/users/me/quota').expect(401));
    await service
      .as(admin)
      .put('/v1/configurations/requests.types')
      .set('if-none-match', '*')
      .send({ value: { polled: { cost: 7 } } })
      .expect(200);
    await eventually(async () => expect((await polling.as(admin).post('/v1/requests').send({ type: 'polled' }).expect(201)).body.cost).toBe(7));
  });

  it('the quota is exact over replicas that share four sessions', async () => {
    const user = await makeUser(service, { dailyQuota: 40 });
    const answers = await Promise.all(Array.from({ length: 120 }, (_, i) => [service, polling][i % 2].as(user).post('/v1/requests').send({ type: 'x' })));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(40);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(80);
  });

  it('instants are what they are, whatever other programs have set in the sessions', async () => {
    for (let i = 0; i < 8; i++)
      await execute(pooled, `SET search_path = nowhere; SET timezone = 'America/New_York'; SET datestyle = 'German'; SET statement_timeout = 1`);
    const user = await makeUser(service);
    const before = Date.now();
    const { body } = await polling.as(user).post('/v1/requests').send({ type: 'x' }).expect(201);
    expect(Math.abs(Date.parse(body.createdAt) - before)).toBeLessThan(600_000);
    const list = await polling.as(user).get('/v1/requests').expect(200);
    expect(list.body.items[0].createdAt).toBe(body.createdAt);
  });

  it('nothing of ours is left in the sessions that others use', async () => {
    const { Client } = await import('pg');
    const client = new Client({ connectionString: pooled });
    await client.connect();
    const { rows } = await client.query(
      `SELECT current_setting('lock_timeout') AS lock, current_setting('plan_cache_mode') AS plan, (SELECT count(*)::int FROM pg_prepared_statements) AS prepared`,
    );
    await client.end();
    expect(rows).toEqual([{ lock: '0', plan: 'auto', prepared: 0 }]);
  });

  it('migrations, and direct connections that are none, are refused in one line', async () => {
    await expect(migrate(pooled)).rejects.toThrow('DATABASE_URL leads to a pooler, and migrations need a session: set DATABASE_DIRECT_URL');
    await expect(startReplica(pooled, { DATABASE_DIRECT_URL: pooled })).rejects.toThrow('DATABASE_DIRECT_URL leads to a pooler too');
    const other = await createDatabase();
    await expect(startReplica(pooled, { DATABASE_DIRECT_URL: other.url })).rejects.toThrow(
      'DATABASE_DIRECT_URL leads to another server or database than DATABASE_URL',
    );
    await other.drop();
  });

  it('one that drops start-up options and does not report it is found out', async () => {
    const silent = await startPgBouncer(service.databaseUrl, { settings: 'ignore_startup_parameters = options' });
    const replica = await startReplica(silent.through(service.databaseUrl));
    try {
      const user = await makeUser(service);
      const { body } = await replica.as().get('/health/ready').expect(200);
      expect(body.checks.notifications.detail).toContain('pooler');
      await replica.as(user).post('/v1/requests').send({ type: 'x' }).expect(201);
    } finally {
      await replica.close();
      await silent.stop();
    }
  });
});

describe('notifications that do not arrive', () => {
  it('are not believed in: the process serves, polls, and reports it', async () => {
    const database = await createDatabase();
    await execute(
      database.url,
      `ALTER FUNCTION pg_catalog.pg_notify(text, text) RENAME TO away; CREATE FUNCTION pg_catalog.pg_notify(text, text) RETURNS void LANGUAGE sql AS ''`,
    );
    const service = await startService({ database });
    const user = await makeUser(service);
    await service.as(user).get('/v1/users/me/quota').expect(200);
    const { body } = await service.as().get('/health/ready').expect(200);
    expect(body.checks.notifications).toEqual({ status: 'degraded', detail: expect.stringContaining('LISTEN does not reach') });
    await service.sql('UPDATE api_keys SET revoked_at = now() WHERE user_id = $1', [user.id]);
    await eventually(() => service.as(user).get('/v1/users/me/quota').expect(401));
    await service.close();
  });
});
