import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Replica, type Service, startReplica, startService } from '../support/service';

const yesterday = `UPDATE users SET quota_reset_date = quota_reset_date - 1, api_quota_used_today = $2, api_quota_requests_today = $2 WHERE id = $1`;

describe('jobs', () => {
  let service: Service;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    admin = await makeAdmin(service);
  });
  afterAll(() => service.close());

  const run = (replica = 0) => service.replicas[replica].as(admin).post('/v1/jobs/quota-reset/run');
  const usage = (user: TestUser) => service.sql('SELECT date, quota, used, refunded, requests FROM quota_usage WHERE user_id = $1 ORDER BY date', [user.id]);
  const day = async (offset: number) => (await service.sql<{ d: string }>(`SELECT ((now() AT TIME ZONE 'UTC')::date + $1::int) AS d`, [offset]))[0].d;

  it('are listed with their schedule, their last runs and when they are next due', async () => {
    await run().expect(200);
    const { body } = await service.as(admin).get('/v1/jobs').expect(200);
    const job = body.items.find(({ name }: { name: string }) => name === 'quota-reset');
    expect(job).toMatchObject({ cron: '*/15 * * * *', timeZone: 'Etc/UTC', enabled: false, nextRunAt: null });
    expect(job.lastRuns[0]).toEqual({
      id: expect.any(String),
      slot: null,
      trigger: 'api',
      status: 'succeeded',
      affected: expect.any(Number),
      progress: { done: 1, total: 1, at: expect.any(String) },
      error: null,
      startedAt: expect.any(String),
      finishedAt: expect.any(String),
    });
    expect(body.nextCursor).toBeNull();
  });

  it('are for administrators', async () => {
    const user = await makeUser(service);
    await service.as(user).get('/v1/jobs').expect(403);
    await service.as(user).post('/v1/jobs/quota-reset/run').expect(403);
    await service.as(admin).post('/v1/jobs/no-such-job/run').expect(404);
  });

  it('close out the days that are over into the history, once', async () => {
    await run().expect(200);
    const spent = await makeUser(service, { dailyQuota: 9 });
    const idle = await makeUser(service);
    const fresh = await makeUser(service);
    await service.sql(yesterday, [spent.id, 4]);
    await service.sql(yesterday, [idle.id, 0]);
    await service.as(fresh).post('/v1/requests').send({ type: 'x' }).expect(201);
    expect((await run().expect(200)).body).toEqual({ closedOut: 2 });
    expect((await run().expect(200)).body).toEqual({ closedOut: 0 });
    expect(await usage(spent)).toEqual([{ date: await day(-1), quota: 9, used: 4, refunded: 0, requests: 4 }]);
    expect([await usage(idle), await usage(fresh)]).toEqual([[], []]);
    const rows = await service.sql('SELECT quota_reset_date AS date, api_quota_used_today AS used FROM users WHERE id = ANY ($1) ORDER BY id', [
      [spent.id, idle.id, fresh.id],
    ]);
    const today = await day(0);
    expect(rows).toEqual([
      { date: today, used: 0 },
      { date: today, used: 0 },
      { date: today, used: 1 },
    ]);
  });

  it('count each user once when four run at once on two replicas, beside charges', async () => {
    const users = await Promise.all(Array.from({ length: 40 }, () => makeUser(service)));
    for (const { id } of users) await service.sql(yesterday, [id, 3]);
    const runs = Promise.all([run(0), run(1), run(0), run(1)]);
    const submits = Promise.all(users.slice(0, 10).map((user) => service.as(user).post('/v1/requests').send({ type: 'x' }).expect(201)));
    const closed = (await runs).reduce((sum, { body }) => sum + (body.closedOut as number), 0);
    await submits;
    const rest = (await run().expect(200)).body.closedOut as number;
    expect(closed + rest).toBeGreaterThanOrEqual(30);
    expect(closed + rest).toBeLessThanOrEqual(40);
    const [books] = await service.sql('SELECT count(*)::int AS days, sum(used)::int AS used FROM quota_usage WHERE user_id = ANY ($1)', [
      users.map(({ id }) => id),
    ]);
    expect(books).toEqual({ days: 40, used: 120 });
  });

  it('close a day that a late first charge would have closed, with the same record', async () => {
    const byCharge = await makeUser(service, { dailyQuota: 5 });
    const byJob = await makeUser(service, { dailyQuota: 5 });
    for (const { id } of [byCharge, byJob]) await service.sql(yesterday, [id, 5]);
    await service.as(byCharge).post('/v1/requests').send({ type: 'x' }).expect(201);
    await run().expect(200);
    expect(await usage(byCharge)).toEqual(await usage(byJob));
  });

  describe('on schedule', () => {
    let scheduled: Replica[] = [];
    afterEach(async () => {
      await Promise.all(scheduled.map((replica) => replica.close()));
      scheduled = [];
      await service.sql(`DELETE FROM system_configurations WHERE key = 'quota.resetCron'`);
    });
    const start = async (count: number) => {
      scheduled = await Promise.all(Array.from({ length: count }, () => startReplica(service.databaseUrl, { SCHEDULER_ENABLED: true })));
    };
    const slots = () =>
      service.sql<{ slot: Date; status: string }>(`SELECT slot, status FROM job_runs WHERE job = 'quota-reset' AND trigger = 'schedule' ORDER BY slot`);

    it('make up at the start for what was missed, once on two replicas, and close those days', async () => {
      await service.sql('DELETE FROM job_runs');
      const user = await makeUser(service, { dailyQuota: 5 });
      await service.sql(yesterday, [user.id, 2]);
      await start(2);
      await eventually(async () => expect(await usage(user)).toMatchObject([{ used: 2 }]));
      await eventually(async () => expect((await slots()).map(({ status }) => status)).toEqual(['succeeded']));
      const { slot } = (await slots())[0];
      expect(slot.getTime() % 900_000).toBe(0);
      const { body } = await scheduled[0].as(admin).get('/v1/jobs').expect(200);
      const job = body.items.find(({ name }: { name: string }) => name === 'quota-reset');
      expect(job.enabled).toBe(true);
      expect(Date.parse(job.nextRunAt as string)).toBe(slot.getTime() + 900_000);
    });

    it('run each slot on one of two replicas, by the schedule of the settings as they change', async () => {
      await start(2);
      await service.sql('DELETE FROM job_runs');
      await service.sql(`INSERT INTO system_configurations (key, value) VALUES ('quota.resetCron', '"* * * * * *"')`);
      await eventually(async () => expect((await slots()).length).toBeGreaterThanOrEqual(3), 8_000);
      const times = (await slots()).map(({ slot }) => slot.getTime());
      expect(new Set(times).size).toBe(times.length);
      expect(times.every((time) => time % 1_000 === 0)).toBe(true);
    });

    it('stop with the process: no slot stays running', async () => {
      await service.sql(`INSERT INTO system_configurations (key, value) VALUES ('quota.resetCron', '"* * * * * *"')`);
      await start(1);
      await eventually(async () => expect((await slots()).length).toBeGreaterThanOrEqual(1));
      await scheduled[0].close();
      scheduled = [];
      // One that was cut short gives its slot up, for the next start to take.
      expect((await slots()).filter(({ status, slot }) => status !== 'succeeded' && !(status === 'failed' && slot === null))).toEqual([]);
    });
  });

  it('that fail state so in their record, and in no answer', async () => {
    await service.sql('ALTER TABLE quota_usage ADD CONSTRAINT broken CHECK (used <> 13) NOT VALID');
    const user = await makeUser(service);
    await service.sql(yesterday, [user.id, 13]);
    const { body } = await run().expect(500);
    expect(body.code).toBe('internal-error');
    expect(JSON.stringify(body)).not.toContain('broken');
    const [last] = await service.sql('SELECT status, error FROM job_runs ORDER BY id DESC LIMIT 1');
    expect(last).toMatchObject({ status: 'failed', error: expect.stringContaining('broken') });
    await service.sql('ALTER TABLE quota_usage DROP CONSTRAINT broken');
    expect((await run().expect(200)).body).toEqual({ closedOut: 1 });
  });
});
