import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { writeSettingEverywhere } from '../support/settings';
import { type Service, startService } from '../support/service';

describe('the burst limit of a tier', () => {
  let service: Service;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startService();
    admin = await makeAdmin(service);
  });
  afterAll(() => service.close());

  const submit = (user: TestUser) => service.as(user).post('/v1/requests').send({ type: 'search' });

  /** More than the day holds. */
  const costly = (user: TestUser) => service.as(admin).post('/v1/requests').send({ type: 'search', userId: user.id, cost: 1_001 });

  async function makeMember(name: string, burstPerMinute: number): Promise<TestUser> {
    await service.as(admin).post('/v1/tiers').send({ name, dailyQuota: 1_000, burstPerMinute }).expect(201);
    const user = await makeUser(service, { tier: name, dailyQuota: 1_000 });
    // The plan reaches this process by a notification.
    await eventually(async () => /"burst"/.test((await service.as(user).get('/v1/users/me/quota').expect(200)).headers.ratelimit ?? ''));
    return user;
  }

  /** Submits until the burst limit refuses. */
  async function useUp(user: TestUser) {
    for (;;) {
      const answer = await submit(user);
      if (answer.body.code === 'burst-exceeded') return answer;
      expect(answer.status).toBe(201);
    }
  }

  it('is exact to the request, for a user whom this process never saw, however many calls come at once', async () => {
    const user = await makeMember('exact', 6);
    const startedAt = performance.now();
    const answers = await Promise.all(Array.from({ length: 60 }, () => submit(user)));
    const minutes = (performance.now() - startedAt) / 60_000;
    const admitted = answers.filter(({ status }) => status === 201).length;
    expect(admitted).toBeGreaterThanOrEqual(6);
    expect(admitted).toBeLessThanOrEqual(Math.floor(6 + minutes * 6));
    for (const { status, body } of answers) if (status !== 201) expect([status, body.code]).toEqual([429, 'burst-exceeded']);
  });

  it('is not spent by what the daily quota, a cap, or a reused key refuses', async () => {
    const user = await makeMember('spared', 3);
    const { body: key } = await service.as(admin).post(`/v1/users/${user.id}/api-keys`).send({ name: 'capped', dailyCap: 1 }).expect(201);
    await service.as(key.key).post('/v1/requests').send({ type: 'search' }).expect(201);
    const left = async () => Number(/"burst";r=(\d+)/.exec((await service.as(user).get('/v1/users/me/quota')).headers.ratelimit)?.[1]);
    for (let i = 0; i < 10; i++) {
      const { headers } = await costly(user).expect(429);
      expect(Number(/"burst";r=(\d+)/.exec(headers.ratelimit)?.[1])).toBeGreaterThanOrEqual(2);
      await service.as(key.key).post('/v1/requests').send({ type: 'search' }).expect(429);
    }
    expect(await left()).toBeGreaterThanOrEqual(2);
    await service.as(user).post('/v1/requests').set('idempotency-key', 'once').send({ type: 'search' }).expect(201);
    for (let i = 0; i < 10; i++) await service.as(user).post('/v1/requests').set('idempotency-key', 'once').send({ type: 'other' }).expect(422);
    expect(await left()).toBeGreaterThanOrEqual(1);
  });

  it('spreads Retry-After over the seconds that the setting names, never before a retry may succeed', async () => {
    const spread = 3_000;
    const user = await makeMember('spread', 1);
    await writeSettingEverywhere(service, admin, 'quota.retryAfterSpreadSeconds', spread);
    const later = [];
    for (let i = 0; i < 8; i++) {
      const { headers } = await costly(user).expect(429);
      const day = Number(/"daily";r=\d+;t=(\d+)/.exec(headers.ratelimit)?.[1]);
      later.push(Number(headers['retry-after']) - day);
    }
    const { headers } = await useUp(user);
    later.push(Number(headers['retry-after']) - Number(/"burst";r=0;t=(\d+)/.exec(headers.ratelimit)?.[1]));
    expect(Math.min(...later)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...later)).toBeLessThanOrEqual(spread);
    expect(new Set(later).size).toBeGreaterThan(1);
    await writeSettingEverywhere(service, admin, 'quota.retryAfterSpreadSeconds', 0);
  });

  it('is announced as a second item beside the daily quota, which reading does not spend', async () => {
    const user = await makeMember('brisk', 100);
    const { headers } = await submit(user).expect(201);
    expect(headers['ratelimit-policy']).toBe('"daily";q=1000;w=86400, "burst";q=100;w=60');
    expect(headers.ratelimit).toMatch(/^"daily";r=\d+;t=\d+, "burst";r=9\d;t=1$/);
    const first = await service.as(user).get('/v1/users/me/quota');
    const second = await service.as(user).get('/v1/users/me/quota');
    expect(first.headers['ratelimit-policy']).toBe(headers['ratelimit-policy']);
    const left = ({ headers }: typeof first) => Number(/"burst";r=(\d+)/.exec(headers.ratelimit)?.[1]);
    expect(left(second)).toBeGreaterThanOrEqual(left(first));
  });

  it('refuses beyond it with Retry-After, costs no quota and leaves others alone', async () => {
    const user = await makeMember('slow', 5);
    const other = await makeUser(service, { tier: 'slow' });
    const answers = [];
    for (let i = 0; i < 12; i++) answers.push(await submit(user));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThanOrEqual(6);
    for (const { body, headers } of refused) {
      expect(body).toMatchObject({ code: 'burst-exceeded', 'violated-policies': ['burst'], limit: 5 });
      expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1);
      expect(Number(headers['retry-after'])).toBeLessThanOrEqual(12);
      const { remaining } = body;
      expect(headers.ratelimit).toMatch(new RegExp(`^"daily";r=${remaining};t=\\d+, "burst";r=0;t=${headers['retry-after']}$`));
      expect(body).toMatchObject({ used: 1_000 - remaining, resetsAt: expect.stringMatching(/Z$/), timeZone: 'Etc/UTC' });
    }
    const [books] = await service.sql(
      'SELECT api_quota_used_today AS used, (SELECT count(*)::integer FROM requests WHERE user_id = $1) AS rows FROM users WHERE id = $1',
      [user.id],
    );
    expect(books?.used).toBe(books?.rows);
    await submit(other).expect(201);
  });

  it('shows the day that is used up too, and when to come again then', async () => {
    const user = await makeMember('short', 1);
    const setQuota = (dailyQuota: number) => service.as(admin).patch(`/v1/users/${user.id}`).send({ dailyQuota }).expect(200);
    const refused = async () => {
      for (;;) {
        await setQuota(1_000);
        await useUp(user);
        const { body: quota } = await service.as(user).get('/v1/users/me/quota').expect(200);
        await setQuota(quota.used);
        const answer = await submit(user);
        // A minute may have passed on a slow machine: then it is the day alone that refuses.
        if (answer.body.code === 'burst-exceeded') return { answer, quota };
        expect(answer.status).toBe(429);
      }
    };
    const { answer, quota } = await refused();
    const { body, headers } = answer;
    expect(body).toMatchObject({ 'violated-policies': ['burst', 'daily'], limit: 1, used: quota.used, remaining: 0, resetsAt: quota.resetsAt });
    const day = Number(/"daily";r=0;t=(\d+)/.exec(headers.ratelimit)?.[1]);
    const minute = Number(/"burst";r=0;t=(\d+)/.exec(headers.ratelimit)?.[1]);
    expect(Number(headers['retry-after'])).toBe(Math.max(day, minute));
  });

  it('is shown on what decided a charge, and on nothing else', async () => {
    const user = await makeMember('shown', 1_000);
    const key = { 'idempotency-key': 'one' };
    const fields = ({ headers }: { headers: Record<string, string> }) => [headers.ratelimit === undefined, headers['ratelimit-policy'] === undefined];
    const submitted = () => service.as(user).post('/v1/requests');
    for (const decided of [
      await submitted().set(key).send({ type: 'a' }).expect(201),
      await submitted().set(key).send({ type: 'a' }).expect(201),
      await service.as(user).get('/v1/authorize').expect(204),
      await service.as(user).get('/v1/authorize').set('x-quota-allow-status', '200').expect(200),
      await service.as(user).get('/v1/authorize').set('x-quota-cost', '1001').expect(429),
      await service.as(user).get('/v1/authorize?denyStatus=403').set('x-quota-cost', '1001').expect(403),
    ]) {
      expect(fields(decided)).toEqual([false, false]);
    }
    for (const other of [
      await submitted().set(key).send({ type: 'b' }).expect(422),
      await submitted().send({ type: 'B' }).expect(400),
      await submitted().send({ type: 'a', userId: 1 }).expect(404),
      await service.as(user).get('/v1/requests').expect(200),
      await service.as(user).get('/v1/authorize').set('x-quota-cost', '0').expect(400),
      await service.as().get('/v1/authorize').expect(401),
    ]) {
      expect(fields(other)).toEqual([true, true]);
    }
  });

  it('is no part of the tiers that are shipped', async () => {
    const { body } = await service.as(admin).get('/v1/tiers').expect(200);
    const shipped = body.items.filter(({ name }: { name: string }) => ['free', 'pro', 'enterprise'].includes(name));
    expect(shipped.map(({ burstPerMinute }: { burstPerMinute: number | null }) => burstPerMinute)).toEqual([null, null, null]);
  });
});
