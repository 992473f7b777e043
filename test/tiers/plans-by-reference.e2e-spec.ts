import { eventually } from '../support/eventually';
import { JobsService } from '../../src/jobs/jobs.service';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { inTransaction, untilBlocked } from '../support/waiting';

const MANY = 5_000;

describe('a plan', () => {
  let service: Service;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    admin = await makeAdmin(service);
  });
  afterAll(() => service.close());

  let plans = 0;
  async function makePlan(dailyQuota: number): Promise<string> {
    const name = `plan-${++plans}`;
    await service.as(admin).post('/v1/tiers').send({ name, dailyQuota }).expect(201);
    return name;
  }
  async function makeMember(tier: string): Promise<TestUser> {
    const member = await makeUser(service);
    await service.as(admin).patch(`/v1/users/${member.id}`).send({ tier, effective: 'now', dailyQuota: null }).expect(200);
    return member;
  }
  const edit = (plan: string, body: object) => service.as(admin).patch(`/v1/tiers/${plan}`).send(body);
  const submit = (user: TestUser, replica = 0) => service.replicas[replica].as(user).post('/v1/requests').send({ type: 'job' });
  const row = async ({ id }: TestUser) =>
    (await service.sql<{ subscription_tier: string; api_quota_daily: number }>('SELECT subscription_tier, api_quota_daily FROM users WHERE id = $1', [id]))[0];
  const finish = () => service.replicas[1].app.get(JobsService, { strict: false }).runNow('tier-copies', 'api');
  const aliases = async () =>
    (await service.sql<{ count: number }>('SELECT count(*)::integer AS count FROM subscription_tiers WHERE alias_of IS NOT NULL'))[0].count;

  it('is edited and renamed while a row of its users is held: at once, for every reader and charge, on every replica', async () => {
    const plan = await makePlan(2);
    const held = await makeMember(plan);
    const free = await makeMember(plan);
    const renamed = `${plan}-renamed`;
    await inTransaction(service, async (client) => {
      await client.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [held.id]);
      await edit(plan, { dailyQuota: 3, name: renamed }).expect(200);
      for (const user of [held, free]) {
        for (const replica of service.replicas) {
          const quota = await replica.as(user).get('/v1/users/me/quota').expect(200);
          expect(quota.body).toMatchObject({ tier: renamed, limit: 3 });
        }
        expect((await service.as(user).get('/v1/users/me').expect(200)).body).toMatchObject({ tier: renamed, dailyQuota: 3 });
        expect((await service.as(user).get('/v1/users/me/usage').expect(200)).body.items.at(-1)).toMatchObject({ limit: 3 });
      }
      const list = await service.as(admin).get(`/v1/users?tier=${renamed}`).expect(200);
      expect(list.body.items.map(({ id }: TestUser) => id)).toEqual([held.id, free.id]);
      for (const status of [201, 201, 201, 429]) expect((await submit(free, 1)).status).toBe(status);
      expect((await service.as().get(`/v1/tiers/${plan}`).expect(200)).body).toMatchObject({ name: renamed, dailyQuota: 3 });
      const names = (await service.as().get('/v1/tiers?limit=100').expect(200)).body.items.map(({ name }: { name: string }) => name);
      expect(names).toContain(renamed);
      expect(names).not.toContain(plan);
      expect(await row(free)).toEqual({ subscription_tier: renamed, api_quota_daily: 3 });
      expect(await row(held)).toEqual({ subscription_tier: plan, api_quota_daily: 2 });
    });
    await finish();
    expect(await row(held)).toEqual({ subscription_tier: renamed, api_quota_daily: 3 });
    expect(await aliases()).toBe(0);
    for (const status of [201, 201, 201, 429]) expect((await submit(held)).status).toBe(status);
    const [{ pending }] = await service.sql<{ pending: object | null }>('SELECT quota_plans() AS pending');
    expect(pending).toBeNull();
  });

  it.each([
    ['raised', 1, 2, 201],
    ['lowered', 2, 1, 429],
  ])('that was %s is what a charge goes by that began before and waited for the row', async (_, before, after, status) => {
    const plan = await makePlan(before);
    const member = await makeMember(plan);
    await submit(member).expect(201);
    await inTransaction(service, async (client) => {
      await client.query('SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE', [member.id]);
      const charge = submit(member).then((answer) => answer);
      await untilBlocked(service, 1);
      await edit(plan, { dailyQuota: after }).expect(200);
      await client.query('SELECT quota_copy_plans(ARRAY[$1::integer])', [member.id]);
      await client.query('COMMIT');
      expect((await charge).status).toBe(status);
    });
  });

  it('takes back a name that it had a moment ago, and leaves it to others when no user bears it any more', async () => {
    const plan = await makePlan(5);
    const member = await makeMember(plan);
    await inTransaction(service, async (client) => {
      await client.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [member.id]);
      const { body } = await edit(plan, { name: `${plan}-b` }).expect(200);
      await service.as(admin).post('/v1/tiers').send({ name: plan, dailyQuota: 1 }).expect(409);
      expect((await edit(`${plan}-b`, { name: plan }).expect(200)).body).toMatchObject({ id: body.id, name: plan, dailyQuota: 5, archived: false });
      expect((await service.as(member).get('/v1/users/me/quota')).body).toMatchObject({ tier: plan, limit: 5 });
      await edit(plan, { name: `${plan}-c` }).expect(200);
    });
    await finish();
    expect([await row(member), await aliases()]).toEqual([{ subscription_tier: `${plan}-c`, api_quota_daily: 5 }, 0]);
    await service.as(admin).post('/v1/tiers').send({ name: plan, dailyQuota: 1 }).expect(201);
    await service.as(admin).delete(`/v1/tiers/${plan}-c`).expect(409);
  });

  it('leaves those who wait for it, and whose day is over, with what is right for either', async () => {
    const high = await makePlan(9);
    const low = await makePlan(3);
    const waiting = await makeMember(high);
    await service.as(admin).patch(`/v1/users/${waiting.id}`).send({ tier: low }).expect(200);
    await edit(low, { dailyQuota: 4, name: `${low}-renamed` }).expect(200);
    const next = async () => (await service.as(waiting).get('/v1/users/me/quota').expect(200)).body;
    expect(await next()).toMatchObject({ tier: high, limit: 9, next: { tier: `${low}-renamed`, dailyQuota: 4 } });
    await finish();
    expect(await next()).toMatchObject({ tier: high, limit: 9, next: { tier: `${low}-renamed`, dailyQuota: 4 } });
    await service.sql('UPDATE users SET quota_reset_date = quota_reset_date - 1 WHERE id = $1', [waiting.id]);
    expect(await next()).toMatchObject({ tier: `${low}-renamed`, limit: 4, next: null });
  });

  it(`of ${MANY} users is edited, renamed and archived while they are charged, without one refusal, and its copies follow`, async () => {
    const plan = await makePlan(1_000);
    const members = await Promise.all(Array.from({ length: 4 }, () => makeMember(plan)));
    await service.sql(
      `INSERT INTO users (email, password_hash, subscription_tier, api_quota_daily) SELECT $1::text || n || '@example.com', '', $1, 1000 FROM generate_series(1, ${MANY}) n`,
      [plan],
    );
    let over = false;
    const statuses = new Map<number, number>();
    const charging = members.map(async (member, i) => {
      while (!over) {
        const { status } = await submit(member, i % 2);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    });
    await edit(plan, { dailyQuota: 2_000 }).expect(200);
    await edit(plan, { name: `${plan}-renamed` }).expect(200);
    await edit(`${plan}-renamed`, { archived: true, dailyQuota: 3_000 }).expect(200);
    const left = async () =>
      (
        await service.sql<{ count: number }>(
          `SELECT count(*)::integer AS count FROM users WHERE subscription_tier LIKE $1 || '%' AND (subscription_tier = $1 OR api_quota_daily <> 3000)`,
          [plan],
        )
      )[0].count;
    await eventually(async () => (await left()) === 0, 60_000);
    over = true;
    await Promise.all(charging);
    expect([...statuses.keys()]).toEqual([201]);
  }, 90_000);
});
