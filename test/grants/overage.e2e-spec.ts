import { BooksRepository } from '../../src/ledger/books.repository';
import { type Body, claim, makeWorker, newType } from '../requests/work';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';

describe('a quota that may be gone beyond', () => {
  let service: Service;
  let admin: TestUser;
  let tiers = 0;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    admin = await makeAdmin(service);
  });
  afterAll(() => service.close());

  const charge = (user: TestUser, cost: number, replica = 0) =>
    service.replicas[replica].as(admin).post('/v1/requests').send({ type: 'search', userId: user.id, cost });
  const quotaOf = async (user: TestUser): Promise<Body> => (await service.as(user).get('/v1/users/me/quota').expect(200)).body;
  const usageOf = async (user: TestUser): Promise<Body> => (await service.as(user).get('/v1/users/me/usage').expect(200)).body.items;
  const books = () => service.app.get(BooksRepository).compare();
  const makeTier = async (body: object): Promise<Body> =>
    (
      await service
        .as(admin)
        .post('/v1/tiers')
        .send({ name: `soft-${++tiers}`, dailyQuota: 3, ...body })
        .expect(201)
    ).body;
  /** A user whose quota is the tier's. */
  const makeUserOf = async (tier: string, dailyQuota = 3): Promise<TestUser> => {
    const user = await makeUser(service, { tier, dailyQuota });
    await service.sql('UPDATE users SET api_quota_custom = false WHERE id = $1', [user.id]);
    return user;
  };

  it('by its plan is charged beyond up to the max, exactly for charges at once on two replicas, and counted apart', async () => {
    const tier = await makeTier({ overage: { max: 4 } });
    expect(tier.overage).toEqual({ max: 4 });
    const user = await makeUserOf(tier.name);
    expect(await quotaOf(user)).toMatchObject({ limit: 3, used: 0, remaining: 3, overage: { used: 0, max: 4 } });
    const answers = await Promise.all(Array.from({ length: 12 }, (_, i) => charge(user, 1, i % 2)));
    const admitted = answers.filter(({ status }) => status === 201);
    expect(admitted).toHaveLength(7);
    expect(admitted.filter(({ body }) => body.draws?.[0].source === 'overage')).toHaveLength(4);
    expect(admitted.filter(({ headers }) => headers['x-quota-draws'] === 'overage;units=1')).toHaveLength(4);
    for (const replica of [0, 1]) await charge(user, 1, replica).expect(429);
    expect(await quotaOf(user)).toMatchObject({ limit: 3, used: 3, remaining: 0, overage: { used: 4, max: 4 } });
    expect((await usageOf(user)).at(-1)).toMatchObject({ limit: 3, used: 3, overage: 4 });
    expect((await books()).differences).toEqual([]);
  });

  it('promises none of it in the rate-limit fields', async () => {
    const user = await makeUserOf((await makeTier({ overage: {} })).name);
    const { headers, body } = await charge(user, 5).expect(201);
    expect(headers.ratelimit).toMatch(/^"daily";r=0;/);
    expect(headers['ratelimit-policy']).toMatch(/^"daily";q=3;/);
    expect(body.draws).toEqual([{ source: 'overage', grantId: null, units: 2 }]);
    const { headers: read } = await service.as(user).get('/v1/users/me/quota').expect(200);
    expect(read.ratelimit).toMatch(/^"daily";r=0;/);
  });

  it('draws on grants first, and refunds give back what went beyond first', async () => {
    const user = await makeUserOf((await makeTier({ overage: { max: 5 } })).name);
    const worker = await makeWorker(service);
    const type = newType();
    const { body: grant } = await service.as(admin).post(`/v1/users/${user.id}/quota/grants`).send({ units: 2, reason: 'test' }).expect(201);
    const { body } = await service.as(admin).post('/v1/requests').send({ type, userId: user.id, cost: 9 }).expect(201);
    expect(body.draws).toEqual([
      { source: 'grant', grantId: grant.id, units: 2 },
      { source: 'overage', grantId: null, units: 4 },
    ]);
    const [{ attempt }] = await claim(service, worker, type);
    await service.as(worker).post(`/v1/requests/${body.id}/complete`).send({ attempt, units: 4 }).expect(200);
    expect(await quotaOf(user)).toMatchObject({ used: 3, remaining: 1, grants: { remaining: 1 }, overage: { used: 0, max: 5 } });
    await charge(user, 6).expect(201);
    await charge(user, 1).expect(429);
    await service.as(admin).post(`/v1/users/${user.id}/quota/reset`).send({ reason: 'test' }).expect(200);
    expect(await quotaOf(user)).toMatchObject({ used: 0, remaining: 5, grants: { remaining: 2 }, overage: { used: 0, max: 5 } });
    expect((await books()).differences).toEqual([]);
  });

  it('of one user holds in place of the plan’s, from the answer on, and ends so', async () => {
    const user = await makeUserOf((await makeTier({ overage: { max: 5 } })).name);
    const overage = `/v1/users/${user.id}/quota/overage`;
    const { body } = await service.as(admin).put(overage).send({ max: 1, reason: 'a try' }).expect(200);
    expect(body.overage).toEqual({ used: 0, max: 1 });
    await charge(user, 4).expect(201);
    for (const replica of [0, 1]) await charge(user, 1, replica).expect(429);
    await service.as(admin).put(overage).send({ reason: 'as much as they like' }).expect(200);
    await charge(user, 100, 1).expect(201);
    await service.as(admin).delete(`${overage}?reason=over`).expect(204);
    expect(await quotaOf(user)).toMatchObject({ overage: { used: 101, max: 5 } });
    await charge(user, 1).expect(429);
    const plain = await makeUser(service, { dailyQuota: 0 });
    await charge(plain, 1).expect(429);
    await service.as(admin).put(`/v1/users/${plain.id}/quota/overage`).send({ max: 2, reason: 'test' }).expect(200);
    await charge(plain, 2).expect(201);
    await charge(plain, 1).expect(429);
    const { body: audit } = await service.as(admin).get(`/v1/audit-events?targetKind=user&targetId=${user.id}`).expect(200);
    expect(audit.items.map(({ action, reason }: Body) => [action, reason])).toEqual([
      ['quota.overage-end', 'over'],
      ['quota.overage', 'as much as they like'],
      ['quota.overage', 'a try'],
    ]);
  });

  it('begins anew with the day, and the day before keeps what went beyond', async () => {
    const user = await makeUserOf((await makeTier({ overage: { max: 2 } })).name);
    await charge(user, 5).expect(201);
    await service.sql(`UPDATE requests SET charged_on = charged_on - 1 WHERE user_id = $1`, [user.id]);
    await service.sql(`UPDATE quota_overage SET date = date - 1 WHERE user_id = $1`, [user.id]);
    await service.sql(`UPDATE users SET quota_reset_date = quota_reset_date - 1, quota_overage_date = quota_overage_date - 1 WHERE id = $1`, [user.id]);
    expect(await quotaOf(user)).toMatchObject({ used: 0, overage: { used: 0, max: 2 } });
    await charge(user, 4).expect(201);
    expect(await quotaOf(user)).toMatchObject({ used: 3, overage: { used: 1, max: 2 } });
    expect((await usageOf(user)).slice(-2)).toMatchObject([
      { used: 3, overage: 2 },
      { used: 3, overage: 1 },
    ]);
    expect((await books()).differences).toEqual([]);
  });

  it('reaches the plan’s users with the edit that allows it, and is taken from them so', async () => {
    const tier = await makeTier({});
    expect(tier.overage).toBeNull();
    const user = await makeUserOf(tier.name);
    await charge(user, 3).expect(201);
    await charge(user, 1).expect(429);
    const patch = (body: object) => service.as(admin).patch(`/v1/tiers/${tier.id}`).send(body).expect(200);
    await patch({ overage: { max: 2 } });
    await charge(user, 1, 1).expect(201);
    await patch({ name: `${tier.name}-renamed` });
    await charge(user, 1, 0).expect(201);
    await charge(user, 1, 0).expect(429);
    await patch({ overage: null });
    expect(await quotaOf(user)).toMatchObject({ used: 3, remaining: 0, overage: { used: 2, max: 0 } });
    await charge(user, 1, 1).expect(429);
  });

  it('is an event once a period, for who listens', async () => {
    await service.sql(`INSERT INTO event_listeners (user_id, type, source) VALUES (0, 'quota.overage-begun', 'test')`);
    const user = await makeUserOf((await makeTier({ overage: {} })).name);
    for (const cost of [2, 3, 1]) await charge(user, cost).expect(201);
    const events = await service.sql(`SELECT data FROM events WHERE user_id = $1 AND type = 'quota.overage-begun'`, [user.id]);
    expect(events).toMatchObject([{ data: { overage: 2, limit: 3, used: 3 } }]);
  });

  it.each([
    [{ overage: { max: -1 } }, '#/overage/max'],
    [{ overage: { max: 1.5 } }, '#/overage/max'],
    [{ overage: { max: null } }, '#/overage/max'],
    [{ overage: { units: 1 } }, '#/overage/units'],
    [{ overage: 5 }, '#/overage'],
    [{ overage: [] }, '#/overage'],
  ])('of nonsense is refused for plans, and the field is named: %j', async (body, pointer) => {
    const { body: problem } = await service
      .as(admin)
      .post('/v1/tiers')
      .send({ name: 'refused', dailyQuota: 1, ...body })
      .expect(400);
    expect(problem.errors.map((error: Body) => error.pointer)).toContain(pointer);
  });

  it('of nonsense is refused for users, of nobody is not found, and is for administrators to allow', async () => {
    const user = await makeUser(service);
    const put = (id: number, body: object, by: TestUser = admin) =>
      service
        .as(by)
        .put(`/v1/users/${id}/quota/overage`)
        .send({ reason: 'test', ...body });
    for (const max of [-1, 0.5, '1']) expect((await put(user.id, { max }).expect(400)).body.errors[0].pointer).toBe('#/max');
    expect((await put(user.id, { reason: 7 }).expect(400)).body.errors[0].pointer).toBe('#/reason');
    await put(2_147_483_647, {}).expect(404);
    await put(user.id, {}, user).expect(403);
    await service.as(user).delete(`/v1/users/${user.id}/quota/overage`).expect(403);
  });
});
