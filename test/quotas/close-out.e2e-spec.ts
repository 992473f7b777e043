import { Client } from 'pg';
import { JobsService } from '../../src/jobs/jobs.service';
import { type ClockedService, startClockedService } from '../support/clocked-service';
import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { inTransaction } from '../support/waiting';

const DAY_MS = 86_400_000;
const MANY = 30_000;

/** Accounts by plain SQL, each with three units of yesterday. */
const insertMany = (count: number) =>
  `INSERT INTO users (email, password_hash, api_quota_used_today, api_quota_requests_today, quota_reset_date)
   SELECT 'many-' || gen_random_uuid() || '@example.com', repeat('x', 97), 3, 3, (now() AT TIME ZONE 'UTC')::date - 1 FROM generate_series(1, ${count})`;

interface Run {
  status: string;
  affected: number;
  error: string | null;
  progress: { done: number; total: number; at: string } | null;
}

async function lastRun(service: Service, admin: TestUser): Promise<Run> {
  const { body } = await service.as(admin).get('/v1/jobs').expect(200);
  return (body.items as { name: string; lastRuns: Run[] }[]).find(({ name }) => name === 'quota-reset')?.lastRuns[0] as Run;
}

describe('the close-out', () => {
  let service: Service;
  let admin: TestUser;
  beforeEach(async () => {
    service = await startService();
    admin = await makeAdmin(service);
  });
  afterEach(() => service.close());

  const run = () => service.as(admin).post('/v1/jobs/quota-reset/run');
  const books = async () => (await service.sql('SELECT count(*)::integer AS days, sum(used)::integer AS used FROM quota_usage'))[0];

  it('passes over a user whose row is locked, states that one is left, and closes that day the next time', async () => {
    await service.sql(insertMany(300));
    const locker = new Client({ connectionString: service.databaseUrl });
    await locker.connect();
    await locker.query('BEGIN');
    await locker.query('SELECT FROM users WHERE id = (SELECT id FROM users WHERE api_quota_used_today = 3 ORDER BY id OFFSET 100 LIMIT 1) FOR UPDATE');
    try {
      expect((await run().expect(200)).body).toEqual({ closedOut: 299 });
      expect(await lastRun(service, admin)).toMatchObject({ status: 'succeeded', affected: 299, progress: { done: 300, total: 301 } });
    } finally {
      await locker.end();
    }
    expect((await run().expect(200)).body).toEqual({ closedOut: 1 });
    expect(await lastRun(service, admin)).toMatchObject({ affected: 1, progress: { done: 301, total: 301 } });
    expect(await books()).toEqual({ days: 300, used: 900 });
  });

  it('opens days in their place: no index holds the day, and pages have room for new rows even where nothing can be cleared', async () => {
    const indexed = await service.sql(`SELECT indexname FROM pg_indexes WHERE tablename = 'users' AND indexdef LIKE '%quota_reset_date%'`);
    expect(indexed).toEqual([]);
    await service.sql(insertMany(2_000));
    await service.sql('VACUUM users');
    await service.sql(`SELECT pg_stat_reset_single_table_counters('users'::regclass)`);
    // A snapshot that might still see what is replaced: no page is cleared meanwhile, so what has room is not left to chance.
    await inTransaction(service, async (client) => {
      await client.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
      await client.query('SELECT');
      expect((await run().expect(200)).body).toEqual({ closedOut: 2_000 });
    });
    await eventually(async () => {
      // A session that has nothing to do publishes its counts every ten seconds only; one that closes out again, and finds nothing, does so each second.
      expect((await run().expect(200)).body).toEqual({ closedOut: 0 });
      const [counts] = await service.sql<{ updates: number; hot: number }>(
        `SELECT n_tup_upd::integer AS updates, n_tup_hot_upd::integer AS hot FROM pg_stat_user_tables WHERE relname = 'users'`,
      );
      expect(counts?.updates).toBe(2_000);
      // 30 parts of a page are free beside 70 of rows, and two fifths of those fit in there; once others can be cleared, all do.
      expect(counts?.hot).toBeGreaterThan(700);
    }, 20_000);
  });

  it('shows how far it is while it runs', async () => {
    await service.sql(insertMany(MANY));
    const running = run().expect(200).then();
    await eventually(async () => {
      const { status, progress } = await lastRun(service, admin);
      expect(status).toBe('running');
      expect(progress).toEqual({ done: expect.any(Number), total: MANY + 1, at: expect.any(String) });
    });
    expect((await running).body).toEqual({ closedOut: MANY });
    expect(await lastRun(service, admin)).toMatchObject({ status: 'succeeded', affected: MANY, progress: { done: MANY + 1, total: MANY + 1 } });
  });

  it('goes on where it was cut off half way, and archives each day once', async () => {
    await service.sql(insertMany(MANY));
    let status: number | undefined;
    const cut = run().then((answer) => (status = answer.status));
    // Between two slices the connection is idle, and another one takes its place. Behind a pooler connections bear no name of their own.
    while (status === undefined) {
      await service.sql(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE (application_name = 'quotidian close-out' OR query LIKE '%INSERT INTO quota_usage%' AND pid <> pg_backend_pid()) AND datname = current_database() AND state = 'active' AND EXISTS (SELECT FROM quota_usage)`,
      );
    }
    expect(await cut).toBe(503);
    const { days } = (await books()) as { days: number };
    expect(days).toBeGreaterThan(0);
    expect(days).toBeLessThan(MANY);
    expect(await lastRun(service, admin)).toMatchObject({ status: 'failed' });
    expect((await run().expect(200)).body).toEqual({ closedOut: MANY - days });
    expect(await books()).toEqual({ days: MANY, used: MANY * 3 });
  });

  it('closes all other days when one cannot be closed, and states which error it was', async () => {
    await service.sql(insertMany(1_000));
    await service.sql(
      'UPDATE users SET api_quota_used_today = 13 WHERE id = (SELECT id FROM users WHERE api_quota_used_today = 3 ORDER BY id OFFSET 500 LIMIT 1)',
    );
    await service.sql('ALTER TABLE quota_usage ADD CONSTRAINT broken CHECK (used <> 13)');
    await run().expect(500);
    expect(await books()).toEqual({ days: 999, used: 2_997 });
    const failed = await lastRun(service, admin);
    expect(failed).toMatchObject({ status: 'failed', affected: 999, progress: { done: 1_000, total: 1_001 } });
    expect(failed.error).toContain('broken');
  });

  it('archives a counter that is as full as a counter can be, as a charge and a change of the quota do', async () => {
    const users = [
      await makeUser(service, { unlimited: true }),
      await makeUser(service, { unlimited: true }),
      await makeUser(service, { unlimited: true }),
    ] as const;
    await service.sql(
      `UPDATE users SET quota_reset_date = quota_reset_date - 1, api_quota_used_today = 2147483647, api_quota_requests_today = 2 WHERE id = ANY ($1)`,
      [users.map(({ id }) => id)],
    );
    await service.as(users[0]).post('/v1/requests').send({ type: 'x' }).expect(201);
    await service.as(admin).patch(`/v1/users/${users[1].id}`).send({ dailyQuota: 3 }).expect(200);
    expect((await run().expect(200)).body).toEqual({ closedOut: 1 });
    const day = { used: 2_147_483_647, requests: 2 };
    expect(await service.sql('SELECT used, requests FROM quota_usage')).toEqual([day, day, day]);
  });
});

describe('the close-out under a clock of its own', () => {
  const NOON = (Math.floor(Date.now() / DAY_MS) + 1) * DAY_MS + DAY_MS / 2;
  let service: ClockedService;
  beforeEach(async () => {
    service = await startClockedService();
    await service.setClock(NOON);
  });
  afterEach(() => service.close());

  const run = (trigger: 'schedule' | 'api') => service.app.get(JobsService).runNow('quota-reset', trigger);
  const looked = async () => (await service.sql('SELECT done, total FROM job_runs ORDER BY id DESC LIMIT 1'))[0];

  it('leaves every kind of day as the projection does', async () => {
    // All combinations of zone, zone of the running day, day, override, waiting plan and counters, of which most are none of the plain case.
    await service.sql(
      `INSERT INTO users (email, password_hash, time_zone, quota_reset_zone, quota_reset_date, api_quota_unlimited, api_quota_custom, next_subscription_tier,
         next_quota_daily, quota_override_daily, quota_override_unlimited, quota_override_expires_at, quota_override_reason, api_quota_used_today, api_quota_refunded_today, api_quota_requests_today)
       SELECT 'kind-' || row_number() OVER () || '@example.com', 'x', z.name, r.name, (now() AT TIME ZONE 'UTC')::date - d.ago, n % 5 = 0, n % 3 = 0,
         CASE WHEN n % 4 = 0 THEN 'free' END, CASE WHEN n % 4 = 0 THEN 77 END, CASE WHEN o.ago IS NOT NULL AND n % 2 = 0 THEN 9 END, o.ago IS NOT NULL AND n % 2 = 1,
         now() - o.ago, CASE WHEN o.ago IS NOT NULL THEN 'why' END, n % 7, n % 2, n % 4
       FROM (VALUES (NULL), ('Asia/Kathmandu'), ('Pacific/Pago_Pago'), ('Pacific/Kiritimati')) z(name),
         (VALUES (NULL), ('Etc/UTC'), ('Asia/Kathmandu'), ('Pacific/Pago_Pago'), ('Pacific/Kiritimati')) r(name),
         generate_series(-1, 3) d(ago), (VALUES (NULL), (interval '3 days'), (interval '1 hour'), (interval '-1 day')) o(ago), generate_series(1, 4) n`,
    );
    // Those of one plan have not got the copy of its last edit yet, which was made before yesterday ended.
    await service.sql(
      `INSERT INTO subscription_tiers (name, daily_quota, unlimited, version, edited_at) VALUES ('edited', 55, false, nextval('subscription_tier_versions'), now() - interval '2 days')`,
    );
    await service.sql(`UPDATE users SET subscription_tier = 'edited' WHERE id % 11 = 0`);
    const state = `SELECT (SELECT jsonb_agg(to_jsonb(u) ORDER BY u.id) FROM users u) AS users,
      (SELECT jsonb_agg(to_jsonb(d) - 'created_at' ORDER BY d.user_id, d.date) FROM quota_usage d) AS days`;
    const client = new Client({ connectionString: service.databaseUrl });
    await client.connect();
    await client.query('BEGIN');
    const [{ closed }] = (await client.query<{ closed: number }>('SELECT quota_close_out(ARRAY(SELECT id FROM users)) AS closed')).rows as [{ closed: number }];
    const expected = (await client.query<Record<string, unknown>>(state)).rows[0];
    await client.query('ROLLBACK');
    await client.end();
    expect(closed).toBeGreaterThan(500);
    expect(await run('api')).toBe(closed);
    expect((await service.sql(state))[0]).toEqual(expected);
    expect(await run('api')).toBe(0);
  });

  it('looks by the clock where a midnight has passed, once, and again when somebody was left', async () => {
    const east = await makeUser(service, { timeZone: 'Asia/Kathmandu' });
    const west = await makeUser(service, { timeZone: 'Pacific/Pago_Pago' });
    await run('schedule');
    expect(await looked()).toEqual({ done: 2, total: 2 });
    await run('schedule');
    expect(await looked()).toEqual({ done: 0, total: 0 });
    // 18:15 UTC is midnight in Kathmandu, 11:00 UTC in Pago Pago.
    await service.setClock(NOON + 7 * 3_600_000);
    const locker = new Client({ connectionString: service.databaseUrl });
    await locker.connect();
    await locker.query('BEGIN');
    await locker.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [east.id]);
    expect(await run('schedule')).toBe(0);
    expect(await looked()).toEqual({ done: 0, total: 1 });
    await locker.end();
    expect(await run('schedule')).toBe(1);
    expect(await looked()).toEqual({ done: 1, total: 1 });
    await service.setClock(NOON + DAY_MS);
    expect(await run('schedule')).toBe(1);
    expect(await looked()).toEqual({ done: 1, total: 1 });
    const day = new Date(NOON + DAY_MS).toISOString().slice(0, 10);
    expect(await service.sql('SELECT quota_reset_date AS day FROM users WHERE id = ANY ($1)', [[east.id, west.id]])).toEqual([{ day }, { day }]);
  });
});
