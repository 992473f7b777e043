import { JobsService } from '../../src/jobs/jobs.service';
import { putSetting } from '../requests/work';
import { promisesByTheClock } from '../support/clock-promises';
import { Command } from '../support/command';
import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startReplica, startService } from '../support/service';

promisesByTheClock();

const UNUSABLE = [
  ['quota.resetCron', '"0 0 30 2 *"', 'cron'],
  ['quota.resetCron', '"61 * * * *"', 'cron'],
  ['quota.resetCron', '""', 'cron'],
  ['quota.resetCron', '7', 'cron'],
  ['quota.resetCron', 'null', 'cron'],
  ['quota.resetCron', '{"cron": "* * * * *"}', 'cron'],
  ['quota.timeZone', '"Nowhere/Land"', 'timeZone'],
  ['quota.timeZone', '["Etc/UTC"]', 'timeZone'],
] as const;

describe('the schedule of a job', () => {
  let service: Service;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startService();
    admin = await makeAdmin(service);
  }, 120_000);
  afterAll(() => service.close());

  /** Past every check, as a program that does not know them would. */
  const store = async (key: string, json: string) => {
    await service.sql(`ALTER TABLE system_configurations DISABLE TRIGGER USER`);
    await service.sql(`INSERT INTO system_configurations (key, value) VALUES ($1, $2::jsonb)`, [key, json]);
    await service.sql(`ALTER TABLE system_configurations ENABLE TRIGGER USER`);
  };
  const remove = (key: string) => putSetting(service, key, null);
  const quotaReset = async (replica = service.replicas[0]) => {
    const { body } = await replica.as(admin).get('/v1/jobs').expect(200);
    return (body.items as { name: string; adjusted: string[] }[]).find(({ name }) => name === 'quota-reset');
  };

  it.each(['0 0 30 2 *', '0 0 31 4,6,9,11 *', '61 * * * *', 'soon', ''])('is refused at the door when it never comes: %j', async (value) => {
    const { body } = await service.as(admin).put('/v1/configurations/quota.resetCron').set('if-match', '*').send({ value }).expect(400);
    expect(body).toMatchObject({ code: 'validation-failed', errors: [{ pointer: '#/value' }] });
  });

  it.each(UNUSABLE)('is the default where %s is %s: the service boots, runs it, and shows it', async (key, json, member) => {
    await store(key, json);
    const booted = await startReplica(service.databaseUrl, { SCHEDULER_ENABLED: true });
    try {
      expect(await quotaReset(booted)).toMatchObject({ cron: '*/15 * * * *', timeZone: 'Etc/UTC', adjusted: [member], nextRunAt: expect.any(String) });
      const { body } = await booted.as().get('/health/ready').expect(200);
      expect(body.checks.storedValues).toEqual({ status: 'degraded', detail: expect.stringMatching(new RegExp(`${key}.*quota-reset`)) });
      await booted.as(admin).post('/v1/jobs/quota-reset/run').expect(200);
      await remove(key);
      await eventually(async () => expect(await quotaReset(booted)).toMatchObject({ adjusted: [] }));
      expect((await booted.as().get('/health/ready').expect(200)).body.checks.storedValues).toEqual({ status: 'up' });
    } finally {
      await remove(key);
      await booted.close();
    }
  });

  it('is named by the audit when it cannot be used', async () => {
    await store('quota.resetCron', '"0 0 30 2 *"');
    const { stdout, code } = await new Command(['audit', '--json'], { DATABASE_URL: service.databaseUrl, LOG_LEVEL: 'silent' }).finished();
    await remove('quota.resetCron');
    expect(JSON.parse(stdout)).toMatchObject({ clean: true, notes: [expect.stringContaining('quota.resetCron'), expect.stringContaining('quota-reset')] });
    expect(code).toBe(0);
  });
});

describe('a job under way when the process stops', () => {
  it('ends after its batch, states so, and leaves its slot to the next start', async () => {
    const service = await startService();
    try {
      const user = await makeUser(service);
      await service.sql(
        `INSERT INTO requests (id, user_id, type, status, cost, charged_on, created_at, finished_at)
         SELECT (lpad(to_hex(floor(extract(epoch FROM now() - interval '400 days') * 1000)::bigint), 12, '0') || '7' || substr(md5(i::text), 1, 3) || '8' || substr(md5(i::text), 4, 15))::uuid, $1, 'x', 'succeeded', 1, current_date - 400, now() - interval '400 days', now() - interval '400 days' FROM generate_series(1, 60000) i`,
        [user.id],
      );
      await service.sql(`INSERT INTO quota_usage (user_id, date, quota, used, refunded, requests) VALUES ($1, current_date - 400, 100000, 60000, 0, 60000)`, [
        user.id,
      ]);
      await putSetting(service, 'requests.retentionDays', 30);
      const left = async () => Number((await service.sql<{ n: string }>('SELECT count(*) AS n FROM requests'))[0].n);
      const replica = await startReplica(service.databaseUrl);
      const run = replica.app.get(JobsService).runNow('request-retention', 'api');
      await eventually(async () => expect(await left()).toBeLessThan(60_000));
      const startedAt = performance.now();
      await replica.close();
      await run;
      expect(performance.now() - startedAt).toBeLessThan(5_000);
      expect(await left()).toBeGreaterThan(0);
      const runs = await service.sql(`SELECT status, error, slot FROM job_runs WHERE job = 'request-retention'`);
      expect(runs).toEqual([{ status: 'failed', error: 'stopped with the process', slot: null }]);
    } finally {
      await service.close();
    }
  });
});

describe('the metrics of jobs', () => {
  it('are read without adding up all runs that ever were', async () => {
    const service = await startService();
    try {
      await service.sql(
        `INSERT INTO job_runs (job, trigger, status, started_at, finished_at)
         SELECT 'quota-reset', 'schedule', 'succeeded', now() - i * interval '1 minute', now() - i * interval '1 minute' FROM generate_series(1, 50000) i`,
      );
      await service.sql('ANALYZE job_runs');
      const rows = async () => {
        await service.sql('SELECT pg_stat_clear_snapshot()');
        const [{ n }] = await service.sql<{ n: string }>(
          `SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) AS n FROM pg_stat_user_tables WHERE relname = 'job_runs'`,
        );
        return Number(n);
      };
      const replica = await startReplica(service.databaseUrl);
      const before = await rows();
      const { text } = await replica.as().get('/metrics').expect(200);
      expect(text).toMatch(/quotidian_job_last_success_timestamp_seconds\{job="quota-reset"\} \d+/);
      // A backend hands its counts on when it ends.
      await replica.close();
      expect(await rows()).toBeLessThan(before + 1_000);
    } finally {
      await service.close();
    }
  });
});
