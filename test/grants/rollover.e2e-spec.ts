import { BooksRepository } from '../../src/ledger/books.repository';
import { type Body } from '../requests/work';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';

describe('units that nobody used', () => {
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
  const grantsOf = async (user: TestUser): Promise<Body[]> => (await service.as(user).get('/v1/users/me/quota/grants').expect(200)).body.items;
  const makeUserOf = async (plan: object): Promise<TestUser> => {
    const { body } = await service
      .as(admin)
      .post('/v1/tiers')
      .send({ name: `rolling-${++tiers}`, dailyQuota: 10, ...plan })
      .expect(201);
    const user = await makeUser(service, { tier: body.name, dailyQuota: 10 });
    await service.sql('UPDATE users SET api_quota_custom = false, api_quota_unlimited = $2 WHERE id = $1', [user.id, body.unlimited]);
    return user;
  };
  /** What is charged now was charged so many days ago. */
  const age = async (user: TestUser, days: number) => {
    await service.sql(`UPDATE requests SET charged_on = charged_on - $2::integer WHERE user_id = $1`, [user.id, days]);
    await service.sql(`UPDATE users SET quota_reset_date = quota_reset_date - $2::integer WHERE id = $1`, [user.id, days]);
  };
  const closeOut = () => service.as(admin).post('/v1/jobs/quota-reset/run').expect(200);
  const dayBefore = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);

  it('are a grant of the days after, up to the max, from midnight on, whether the day was closed or not', async () => {
    for (const path of ['charge', 'read', 'job'] as const) {
      const user = await makeUserOf({ rollover: { days: 2, max: 5 } });
      await charge(user, 7).expect(201);
      await age(user, 1);
      if (path === 'read') expect(await quotaOf(user)).toMatchObject({ used: 0, remaining: 13, grants: { remaining: 3 } });
      if (path === 'job') await closeOut();
      const { body } = await charge(user, 12, 1).expect(201);
      expect(body.draws).toMatchObject([{ source: 'grant', units: 2 }]);
      expect(await grantsOf(user)).toMatchObject([{ units: 3, used: 2, priority: 50, rolledFrom: dayBefore(1), expiresAt: `${dayBefore(-2)}T00:00:00.000Z` }]);
      await charge(user, 2).expect(429);
      await charge(user, 1).expect(201);
    }
    expect((await service.app.get(BooksRepository).compare()).differences).toEqual([]);
  });

  it('roll over once, however many close the day at once', async () => {
    const user = await makeUserOf({ rollover: { days: 1 } });
    await charge(user, 4).expect(201);
    await age(user, 1);
    const calls = Array.from({ length: 10 }, (_, i) => charge(user, 1, i % 2));
    const others = [closeOut(), quotaOf(user), service.sql('SELECT quota_close_out(ARRAY[$1::integer])', [user.id])];
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual(calls.map(() => 201));
    await Promise.all(others);
    expect(await grantsOf(user)).toMatchObject([{ units: 6, rolledFrom: dayBefore(1) }]);
    expect(await quotaOf(user)).toMatchObject({ used: 10, remaining: 6 });
  });

  it('of days that nobody closed in time are those that each day would have left, as far as they have not expired', async () => {
    const user = await makeUserOf({ rollover: { days: 2, share: 0.25 } });
    await charge(user, 7).expect(201);
    await age(user, 3);
    expect(await quotaOf(user)).toMatchObject({ grants: { remaining: 4 } });
    expect((await grantsOf(user)).map(({ rolledFrom, units }) => [rolledFrom, units]).sort()).toEqual([
      [dayBefore(2), 2],
      [dayBefore(1), 2],
    ]);
  });

  it('are a share of them, rounded down; nothing of a day that was used up, of an unlimited one, and of plans without', async () => {
    const remaining = async (plan: object, used: number): Promise<number | undefined> => {
      const user = await makeUserOf(plan);
      await charge(user, used).expect(201);
      await age(user, 1);
      return (await quotaOf(user)).grants?.remaining;
    };
    expect(await remaining({ rollover: { days: 1, share: 0.5 } }, 3)).toBe(3);
    expect(await remaining({ rollover: { days: 1, share: 0.5, max: 2 } }, 3)).toBe(2);
    expect(await remaining({ rollover: { days: 1 } }, 10)).toBeUndefined();
    expect(await remaining({ rollover: { days: 1 }, dailyQuota: null, unlimited: true }, 3)).toBeUndefined();
    expect(await remaining({}, 3)).toBeUndefined();
  });

  it('count at once for who had nothing left when the day ended', async () => {
    const user = await makeUserOf({ rollover: { days: 3, max: 1 } });
    await charge(user, 9).expect(201);
    await charge(user, 2).expect(429);
    await age(user, 1);
    await charge(user, 11, 0).expect(201);
    await charge(user, 1, 1).expect(429);
  });

  it.each([
    [{}, '#/rollover/days'],
    [{ days: 0 }, '#/rollover/days'],
    [{ days: 32 }, '#/rollover/days'],
    [{ days: 1.5 }, '#/rollover/days'],
    [{ days: 1, max: 0 }, '#/rollover/max'],
    [{ days: 1, max: -1 }, '#/rollover/max'],
    [{ days: 1, share: 0 }, '#/rollover/share'],
    [{ days: 1, share: 1.1 }, '#/rollover/share'],
    [{ days: 1, units: 1 }, '#/rollover/units'],
  ])('are refused as nonsense, and the field is named: %j', async (rollover, pointer) => {
    const { body } = await service.as(admin).post('/v1/tiers').send({ name: 'refused', dailyQuota: 1, rollover }).expect(400);
    expect(body.errors.map((error: Body) => error.pointer)).toContain(pointer);
  });
});
