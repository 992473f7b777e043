import { type ClockedService, startClockedService } from '../support/clocked-service';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';

const NOON = Date.parse('2027-03-10T12:00:00Z');
const HOUR_MS = 3_600_000;

describe('a temporary quota', () => {
  let service: ClockedService;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startClockedService();
    admin = await makeAdmin(service);
  });
  beforeEach(() => service.setClock(NOON));
  afterAll(() => service.close());

  const expiresAt = new Date(NOON + 2 * HOUR_MS).toISOString();
  const put = (user: TestUser, body: object) =>
    service
      .as(admin)
      .put(`/v1/users/${user.id}/quota/override`)
      .send({ expiresAt, reason: 'trial', ...body });
  const submit = (user: TestUser) => service.as(user).post('/v1/requests').send({ type: 'search' });
  const quotaOf = async (user: TestUser) => (await service.as(user).get('/v1/users/me/quota').expect(200)).body;
  const events = (user: TestUser) =>
    service.sql(`SELECT action, actor_id, before, after, reason FROM audit_events WHERE target_kind = 'user' AND target_id = $1 ORDER BY id`, [
      String(user.id),
    ]);

  it('acts at once with its reason and author, and ends by the clock to the millisecond', async () => {
    const user = await makeUser(service, { dailyQuota: 1 });
    await submit(user).expect(201);
    const { body } = await put(user, { dailyQuota: 3 }).expect(200);
    const override = { dailyQuota: 3, unlimited: false, expiresAt, reason: 'trial', author: admin.id };
    expect(body).toMatchObject({ limit: 3, used: 1, remaining: 2, override });
    await service.setClock(NOON + 2 * HOUR_MS - 1);
    await submit(user).expect(201);
    await service.setClock(NOON + 2 * HOUR_MS);
    expect(await quotaOf(user)).toMatchObject({ limit: 1, used: 2, remaining: 0, override: null });
    await submit(user).expect(429);
    expect(await events(user)).toEqual([{ action: 'quota.override', actor_id: admin.id, before: null, after: override, reason: 'trial' }]);
  });

  it('may be lower than what is used, or none at all: new charges are refused, nothing breaks', async () => {
    const user = await makeUser(service, { dailyQuota: 5 });
    await submit(user).expect(201);
    await submit(user).expect(201);
    await put(user, { dailyQuota: 1 }).expect(200);
    expect((await submit(user).expect(429)).body).toMatchObject({ code: 'quota-exceeded', limit: 1, used: 2, remaining: 0 });
    await put(user, { dailyQuota: 0 }).expect(200);
    expect((await submit(user).expect(429)).body).toMatchObject({ code: 'cost-exceeds-quota', limit: 0 });
    await service.setClock(NOON + 2 * HOUR_MS);
    await submit(user).expect(201);
  });

  it('may be unlimited, and ends when it is taken back', async () => {
    const user = await makeUser(service, { dailyQuota: 0 });
    await put(user, { unlimited: true }).expect(200);
    await submit(user).expect(201);
    expect(await quotaOf(user)).toMatchObject({ limit: null, unlimited: true, used: 1, override: { unlimited: true, dailyQuota: null } });
    await service.as(admin).delete(`/v1/users/${user.id}/quota/override`).expect(204);
    await submit(user).expect(429);
    await service.as(admin).delete(`/v1/users/${user.id}/quota/override`).expect(204);
    expect((await events(user)).map(({ action }) => action)).toEqual(['quota.override', 'quota.override-end']);
  });

  it('is the limit that history shows of a day that it outlasted, and not of one that it did not', async () => {
    const user = await makeUser(service, { dailyQuota: 5 });
    await put(user, { dailyQuota: 9, expiresAt: new Date(NOON + 30 * HOUR_MS) }).expect(200);
    await submit(user).expect(201);
    await service.setClock(NOON + 24 * HOUR_MS);
    await submit(user).expect(201);
    await service.setClock(NOON + 48 * HOUR_MS);
    const { body } = await service.as(user).get('/v1/users/me/usage?from=2027-03-10').expect(200);
    expect(body.items.map(({ date, limit, used }: { date: string; limit: number; used: number }) => [date, limit, used])).toEqual([
      ['2027-03-10', 9, 1],
      ['2027-03-11', 5, 1],
      ['2027-03-12', 5, 0],
    ]);
  });

  it.each([
    ['#/reason', { dailyQuota: 1, reason: undefined }],
    ['#/reason', { dailyQuota: 1, reason: '' }],
    ['#/reason', { dailyQuota: 1, reason: '  ' }],
    ['#/expiresAt', { dailyQuota: 1, expiresAt: new Date(NOON - 1) }],
    ['#/expiresAt', { dailyQuota: 1, expiresAt: new Date(NOON) }],
    ['#/expiresAt', { dailyQuota: 1, expiresAt: undefined }],
    ['#/expiresAt', { dailyQuota: 1, expiresAt: 'tomorrow' }],
    ['#/expiresAt', { dailyQuota: 1, expiresAt: '2030-W01-1' }],
    ['#/expiresAt', { dailyQuota: 1, expiresAt: '2030-02-30T00:00:00Z' }],
    ['#/expiresAt', { dailyQuota: 1, expiresAt: '2030-01-01T00:00:00' }],
    ['#/dailyQuota', {}],
    ['#/dailyQuota', { dailyQuota: -1 }],
    ['#/dailyQuota', { dailyQuota: 1.5 }],
    ['#/dailyQuota', { dailyQuota: 2_147_483_648 }],
    ['#/unlimited', { unlimited: 'yes' }],
    ['#/quota', { dailyQuota: 1, quota: 2 }],
  ])('names %s when it is wrong: %j', async (pointer, body) => {
    const user = await makeUser(service);
    const answer = await put(user, body).expect(400);
    expect(answer.body).toMatchObject({ code: 'validation-failed', errors: expect.arrayContaining([expect.objectContaining({ pointer })]) });
    expect(await quotaOf(user)).toMatchObject({ override: null });
  });

  it('is a number or unlimited: both are refused, and so they are of users and plans', async () => {
    const user = await makeUser(service);
    const both = { dailyQuota: 5, unlimited: true };
    const asAdmin = service.as(admin);
    for (const call of [
      put(user, both),
      asAdmin.patch(`/v1/users/${user.id}`).send(both),
      asAdmin.post('/v1/users').send({ email: 'both@example.com', password: 'long enough', ...both }),
      asAdmin.post('/v1/tiers').send({ name: 'both', ...both }),
      asAdmin.patch('/v1/tiers/free').send(both),
    ]) {
      expect((await call.expect(400)).body.errors).toEqual([{ pointer: '#/dailyQuota', detail: expect.any(String), code: 'either-or' }]);
    }
    expect(await quotaOf(user)).toMatchObject({ override: null, limit: 100 });
  });

  it('is for administrators to give, and to users that there are', async () => {
    const user = await makeUser(service);
    await service.as(user).put('/v1/users/me/quota/override').send({ dailyQuota: 9, expiresAt, reason: 'please' }).expect(403);
    await service.as(admin).put('/v1/users/999999/quota/override').send({ dailyQuota: 9, expiresAt, reason: 'trial' }).expect(404);
  });
});
