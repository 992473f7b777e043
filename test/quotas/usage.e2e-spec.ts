import { type ClockedService, startClockedService } from '../support/clocked-service';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';

const NOON = Date.parse('2027-03-10T12:00:00Z');
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describe('what was used', () => {
  let service: ClockedService;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startClockedService({ replicas: 2 });
    admin = await makeAdmin(service);
  });
  beforeEach(() => service.setClock(NOON));
  afterAll(() => service.close());

  const charge = (user: TestUser, cost = 1, replica = 0) =>
    service.replicas[replica].as(admin).post('/v1/requests').send({ type: 'search', userId: user.id, cost });
  const usage = async (user: TestUser, query = '') => (await service.as(user).get(`/v1/users/me/usage${query}`).expect(200)).body.items;
  const quotaOf = async (user: TestUser) => (await service.as(user).get('/v1/users/me/quota').expect(200)).body;

  it('is listed for 30 days that end with today, days without requests as zeros', async () => {
    const user = await makeUser(service, { dailyQuota: 10 });
    const items = await usage(user);
    expect(items).toHaveLength(30);
    expect([items[0].date, items[29].date]).toEqual(['2027-02-09', '2027-03-10']);
    expect(items).toEqual(items.map(({ date }: { date: string }) => ({ date, limit: 10, used: 0, refunded: 0, requests: 0 })));
  });

  it('is listed from the first to the last day asked for, both included, whether past days were closed out or not', async () => {
    const user = await makeUser(service, { dailyQuota: 10 });
    await charge(user, 4).expect(201);
    await service.setClock(NOON + 2 * DAY_MS);
    const past = { date: '2027-03-10', limit: 10, used: 4, refunded: 0, requests: 1 };
    const range = '?from=2027-03-10&to=2027-03-12';
    const zeros = ['2027-03-11', '2027-03-12'].map((date) => ({ date, limit: 10, used: 0, refunded: 0, requests: 0 }));
    expect(await usage(user, range)).toEqual([past, ...zeros]);
    const { body } = await service.as(admin).post('/v1/jobs/quota-reset/run').expect(200);
    expect(body.closedOut).toBeGreaterThanOrEqual(1);
    expect(await usage(user, range)).toEqual([past, ...zeros]);
    expect((await service.as(admin).post('/v1/jobs/quota-reset/run').expect(200)).body).toEqual({ closedOut: 0 });
    await charge(user, 2).expect(201);
    expect(await usage(user, '?from=2027-03-12')).toEqual([{ date: '2027-03-12', limit: 10, used: 2, refunded: 0, requests: 1 }]);
    expect(await usage(user, '?to=2027-03-10')).toHaveLength(30);
    expect(await usage(user, '?from=2027-03-10&to=2027-03-10')).toEqual([past]);
  });

  it('is broken down by type and key since a day, the largest part first, and by nobody else', async () => {
    const user = await makeUser(service, { dailyQuota: 100 });
    const { body: key } = await service.as(admin).post(`/v1/users/${user.id}/api-keys`).send({ name: 'run' }).expect(201);
    await charge(user, 2).expect(201);
    await service.setClock(NOON + 3 * DAY_MS);
    await charge(user, 3).expect(201);
    await service.as(admin).post('/v1/requests').send({ type: 'mail', userId: user.id, cost: 5 }).expect(201);
    const { body: own } = await service.as().post('/v1/requests').set('authorization', `Bearer ${key.key}`).send({ type: 'search' }).expect(201);
    await service.as(admin).post(`/v1/requests/${own.id}/cancel`).expect(200);
    const parts = (query: string) => service.as(user).get(`/v1/users/me/usage/parts${query}`);
    const { body } = await parts('?from=2027-03-13').expect(200);
    expect(body.completeFrom).toBeNull();
    expect(body.items.map(({ type, used, refunded, requests }: Record<string, unknown>) => [type, used, refunded, requests])).toEqual([
      ['mail', 5, 0, 1],
      ['search', 3, 0, 1],
      ['search', 0, 1, 1],
    ]);
    expect(body.items[2].keyId).toBe(key.id);
    // The same by key: of the user's own, and of the administrator's, which is nobody else's to name.
    const total = body.keys.find(({ keyId }: { keyId: number }) => keyId === key.id);
    expect(total).toMatchObject({ name: expect.any(String), used: 0, refunded: 1, requests: 1 });
    const sum = (rows: { used: number; requests: number }[]) => rows.reduce(([u, n], { used, requests }) => [u + used, n + requests], [0, 0]);
    expect(sum(body.keys)).toEqual(sum(body.items));
    expect((await parts('?from=2027-03-10').expect(200)).body.items.reduce((sum: number, { used }: { used: number }) => sum + used, 0)).toBe(10);
    for (const wrong of ['', '?from=2027-02-30', '?from=now']) await parts(wrong).expect(400);
    const other = await makeUser(service);
    await service.as(other).get(`/v1/users/${user.id}/usage/parts?from=2027-03-13`).expect(404);
    await service.as(admin).get('/v1/users/2000000000/usage/parts?from=2027-03-13').expect(404);
  });

  it('keeps a past day as it was when the quota changes before it is closed out', async () => {
    const user = await makeUser(service, { dailyQuota: 10 });
    await charge(user, 4).expect(201);
    await service.setClock(NOON + DAY_MS);
    await service.as(admin).patch(`/v1/users/${user.id}`).send({ dailyQuota: 3 }).expect(200);
    expect((await usage(user, '?from=2027-03-10')).map(({ limit, used }: { limit: number; used: number }) => [limit, used])).toEqual([
      [10, 4],
      [3, 0],
    ]);
  });

  it.each([
    ['#/query/from', '?from=2027-03-11&to=2027-03-10'],
    ['#/query/from', '?from=2026-01-01&to=2027-03-10'],
    ['#/query/from', '?from=2027-02-30'],
    ['#/query/from', '?from=yesterday'],
    ['#/query/from', '?from=0000-01-01'],
    ['#/query/to', '?to=0000-01-02'],
    ['#/query/to', '?to=2027-13-01'],
    ['#/query/to', '?to=2027-03-10T00:00:00Z'],
    ['#/query/days', '?days=3'],
  ])('names %s when it is wrong: %s', async (pointer, query) => {
    const user = await makeUser(service);
    const { body } = await service.as(user).get(`/v1/users/me/usage${query}`).expect(400);
    expect(body).toMatchObject({ code: 'validation-failed', errors: expect.arrayContaining([expect.objectContaining({ pointer })]) });
  });

  it('foretells when the quota will be used up at the pace of today, and null when it will last', async () => {
    const user = await makeUser(service, { dailyQuota: 10 });
    expect(await quotaOf(user)).toMatchObject({ exhaustedAt: null });
    await charge(user, 5).expect(201);
    // 5 in 12 hours: the other 5 will last to the midnight at which they are given anew.
    expect(await quotaOf(user)).toMatchObject({ exhaustedAt: null });
    await charge(user, 1).expect(201);
    expect(await quotaOf(user)).toMatchObject({ exhaustedAt: '2027-03-10T20:00:00.000Z' });
    await charge(user, 4).expect(201);
    expect(await quotaOf(user)).toMatchObject({ exhaustedAt: '2027-03-10T12:00:00.000Z' });
    const unlimited = await makeUser(service, { unlimited: true });
    await charge(unlimited, 1_000).expect(201);
    expect(await quotaOf(unlimited)).toMatchObject({ exhaustedAt: null });
  });

  it('lists for administrators who used at least a share of the quota, and nobody whose day is over', async () => {
    const users: TestUser[] = [];
    for (const used of [7, 8, 10]) {
      const user = await makeUser(service, { dailyQuota: 10 });
      await charge(user, used).expect(201);
      users.push(user);
    }
    const near = async (share: string) => {
      const { body } = await service.as(admin).get(`/v1/users?quotaUsedAtLeast=${share}&limit=100`).expect(200);
      return body.items.map(({ id }: { id: number }) => id).filter((id: number) => users.some((user) => user.id === id));
    };
    expect(await near('0.8')).toEqual([users[1].id, users[2].id]);
    expect(await near('1')).toEqual([users[2].id]);
    await service.setClock(NOON + 12 * HOUR_MS);
    expect(await near('0.8')).toEqual([]);
    expect(await near('0')).toHaveLength(3);
    await service.as(users[0]).get('/v1/users?quotaUsedAtLeast=0.8').expect(403);
    const { body } = await service.as(admin).get('/v1/users?quotaUsedAtLeast=much').expect(400);
    expect(body.errors[0]).toMatchObject({ pointer: '#/query/quotaUsedAtLeast' });
  });

  it('is recorded once a period where it crosses 50, 80 and 100 %, from two replicas at once', async () => {
    const user = await makeUser(service, { dailyQuota: 20 });
    const events = () =>
      service.sql(`SELECT date, threshold::float8 AS share, used, quota FROM quota_events WHERE user_id = $1 ORDER BY date, threshold`, [user.id]);
    await Promise.all(Array.from({ length: 9 }, (_, i) => charge(user, 1, i % 2)));
    expect(await events()).toEqual([]);
    await Promise.all(Array.from({ length: 40 }, (_, i) => charge(user, 1, i % 2)));
    const seen = await events();
    expect(seen).toMatchObject([{ share: 0.5, quota: 20 }, { share: 0.8 }, { share: 1, used: 20 }]);
    await service.as(admin).post(`/v1/users/${user.id}/quota/reset`).send({ reason: 'again' }).expect(200);
    await Promise.all(Array.from({ length: 20 }, (_, i) => charge(user, 1, i % 2)));
    expect(await events()).toEqual(seen);
    await service.setClock(NOON + DAY_MS);
    await charge(user, 17).expect(201);
    expect((await events()).slice(3)).toEqual([
      { date: '2027-03-11', share: 0.5, used: 17, quota: 20 },
      { date: '2027-03-11', share: 0.8, used: 17, quota: 20 },
    ]);
  });

  it('is given back by a manual reset, in the counter, the ledger and the caps alike', async () => {
    const user = await makeUser(service, { dailyQuota: 5, dailyCap: 3 });
    for (const status of [201, 201, 201, 429]) expect((await service.as(user).post('/v1/requests').send({ type: 'search' })).status).toBe(status);
    await charge(user, 2).expect(201);
    await service.setClock(NOON - DAY_MS);
    const { body } = await service.as(admin).post(`/v1/users/${user.id}/quota/reset`).send({ reason: 'our outage' }).expect(200);
    expect(body).toMatchObject({ used: 0, remaining: 5 });
    const [books] = await service.sql(
      `SELECT sum(cost - refunded_units)::integer AS ledger, sum(refunded_units)::integer AS refunded, count(*)::integer AS requests FROM requests WHERE user_id = $1`,
      [user.id],
    );
    expect(books).toEqual({ ledger: 0, refunded: 5, requests: 4 });
    expect((await usage(user)).at(-1)).toEqual({ date: '2027-03-10', limit: 5, used: 0, refunded: 5, requests: 4 });
    await service.as(user).post('/v1/requests').send({ type: 'search' }).expect(201);
    const [event] = await service.sql(`SELECT * FROM audit_events WHERE action = 'quota.reset' AND target_id = $1`, [String(user.id)]);
    expect(event).toMatchObject({ actor_id: admin.id, before: { used: 5 }, after: { used: 0 }, reason: 'our outage' });
    for (const reason of [undefined, '', ' ']) {
      const refused = await service.as(admin).post(`/v1/users/${user.id}/quota/reset`).send({ reason }).expect(400);
      expect(refused.body.errors[0]).toMatchObject({ pointer: '#/reason' });
    }
  });
});
