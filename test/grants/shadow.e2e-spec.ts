import { BooksRepository } from '../../src/ledger/books.repository';
import { type Body, newType, putSetting } from '../requests/work';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';

describe('a quota that is tried out', () => {
  let service: Service;
  let admin: TestUser;
  let tiers = 0;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    admin = await makeAdmin(service);
  });
  afterAll(() => service.close());

  const charge = (user: TestUser, cost: number, replica = 0, type = 'search') =>
    service.replicas[replica].as(admin).post('/v1/requests').send({ type, userId: user.id, cost });
  const quotaOf = async (user: TestUser): Promise<Body> => (await service.as(user).get('/v1/users/me/quota').expect(200)).body;
  const today = async (user: TestUser): Promise<Body> => (await service.as(user).get('/v1/users/me/usage').expect(200)).body.items.at(-1);
  const books = async () => (await service.app.get(BooksRepository).compare()).differences;
  const makeUserOf = async (plan: object): Promise<{ user: TestUser; tier: Body }> => {
    const { body: tier } = await service
      .as(admin)
      .post('/v1/tiers')
      .send({ name: `tried-${++tiers}`, dailyQuota: 3, ...plan })
      .expect(201);
    const user = await makeUser(service, { tier: tier.name, dailyQuota: 3 });
    await service.sql('UPDATE users SET api_quota_custom = false WHERE id = $1', [user.id]);
    return { user, tier };
  };

  it('by its plan refuses nothing, counts and shows what it would have refused, and stands where it would stand', async () => {
    await service.sql(`INSERT INTO event_listeners (user_id, type, source) VALUES (0, 'quota.shadow-refused', 'test')`);
    const { user, tier } = await makeUserOf({ shadow: true });
    expect(tier.shadow).toBe(true);
    const plain = await charge(user, 2).expect(201);
    expect(plain.headers).not.toHaveProperty('x-quota-shadow');
    const { headers, body } = await charge(user, 2, 1).expect(201);
    expect(headers['x-quota-shadow']).toBe('quota-exceeded');
    expect(body.draws).toEqual([{ source: 'shadow', grantId: null, units: 2 }]);
    // One unit is left of three: what was admitted beside did not use it.
    expect((await charge(user, 1).expect(201)).headers).not.toHaveProperty('x-quota-shadow');
    expect((await charge(user, 1).expect(201)).headers).toHaveProperty('x-quota-shadow');
    expect(await quotaOf(user)).toMatchObject({ used: 3, remaining: 0, shadow: true });
    expect(await today(user)).toMatchObject({ used: 3, requests: 4, shadow: { requests: 2, units: 3 } });
    const events = await service.sql(`SELECT data FROM events WHERE user_id = $1 AND type = 'quota.shadow-refused' ORDER BY id`, [user.id]);
    expect(events).toMatchObject([{ data: { requestId: body.id, requested: 2, limit: 3, used: 2 } }, { data: { requested: 1, used: 3 } }]);
    expect(service.replicas.map(({ url }) => url)).toHaveLength(2);
    const { text } = await service.as(admin).get('/metrics').expect(200);
    expect(text).toMatch(/^quotidian_admission_shadowed_total [1-9]/m);
    expect(await books()).toEqual([]);
  });

  it('admits all of what comes at once, and as many as fit without a mark', async () => {
    const { user } = await makeUserOf({ shadow: true, overage: { max: 2 } });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => charge(user, 1, i % 2)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
    expect(answers.filter(({ headers }) => headers['x-quota-shadow'] !== undefined)).toHaveLength(15);
    expect(await quotaOf(user)).toMatchObject({ used: 3, overage: { used: 2 } });
    expect(await today(user)).toMatchObject({ shadow: { requests: 15, units: 15 } });
    expect(await books()).toEqual([]);
  });

  it('of one user holds in place of the plan’s, either way, from the answer on', async () => {
    const { user } = await makeUserOf({});
    const shadow = `/v1/users/${user.id}/quota/shadow`;
    await charge(user, 3).expect(201);
    for (const replica of [0, 1]) await charge(user, 1, replica).expect(429);
    expect((await service.as(admin).put(shadow).send({ enabled: true, reason: 'a try' }).expect(200)).body.shadow).toBe(true);
    for (const replica of [0, 1]) expect((await charge(user, 1, replica).expect(201)).headers).toHaveProperty('x-quota-shadow');
    await service.as(admin).delete(`${shadow}?reason=over`).expect(204);
    for (const replica of [0, 1]) await charge(user, 1, replica).expect(429);
    const { user: enforced } = await makeUserOf({ shadow: true });
    await service.as(admin).put(`/v1/users/${enforced.id}/quota/shadow`).send({ enabled: false, reason: 'enough' }).expect(200);
    await charge(enforced, 4).expect(429);
    await service.as(admin).put(shadow).send({ enabled: 1, reason: 'test' }).expect(400);
    await service.as(user).put(shadow).send({ enabled: true, reason: 'please' }).expect(403);
    await service.as(user).delete(shadow).expect(403);
    await service.as(admin).put('/v1/users/2147483647/quota/shadow').send({ enabled: true, reason: 'test' }).expect(404);
  });

  it('for a type admits that type alone, also for who has nothing left', async () => {
    const type = newType();
    await putSetting(service, 'requests.types', { [type]: { shadow: true } });
    const { user } = await makeUserOf({});
    await charge(user, 3).expect(201);
    await charge(user, 1).expect(429);
    for (const replica of [0, 1]) expect((await charge(user, 1, replica, type).expect(201)).headers).toHaveProperty('x-quota-shadow');
    await charge(user, 1).expect(429);
    const keyed = () => service.as(admin).post('/v1/requests').set('idempotency-key', 'k').send({ type, userId: user.id, cost: 2 }).expect(201);
    const [first, again] = [await keyed(), await keyed()] as const;
    expect(again.body).toEqual(first.body);
    await putSetting(service, 'requests.types', null);
    expect(await today(user)).toMatchObject({ used: 3, shadow: { requests: 3, units: 4 } });
    expect(await books()).toEqual([]);
  });

  it('gives back nothing of the day when what it admitted ends short of success', async () => {
    const { user } = await makeUserOf({ shadow: true });
    await charge(user, 3).expect(201);
    const { body } = await charge(user, 2).expect(201);
    await service.as(user).post(`/v1/requests/${body.id}/cancel`).expect(200);
    expect(await quotaOf(user)).toMatchObject({ used: 3, remaining: 0 });
    expect(await books()).toEqual([]);
  });
});
