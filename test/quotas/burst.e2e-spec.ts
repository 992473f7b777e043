import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
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

  async function makeMember(name: string, burstPerMinute: number): Promise<TestUser> {
    await service.as(admin).post('/v1/tiers').send({ name, dailyQuota: 1_000, burstPerMinute }).expect(201);
    const user = await makeUser(service, { tier: name, dailyQuota: 1_000 });
    // The first charge shows this process the user's tier.
    await eventually(async () => /"burst"/.test((await submit(user).expect(201)).headers.ratelimit));
    return user;
  }

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
    const user = await makeMember('short', 3);
    const { body: quota } = await service.as(user).get('/v1/users/me/quota').expect(200);
    await service.as(admin).patch(`/v1/users/${user.id}`).send({ dailyQuota: quota.used }).expect(200);
    const refused = async () => {
      for (;;) {
        const answer = await submit(user);
        if (answer.body.code === 'burst-exceeded') return answer;
        expect(answer.status).toBe(429);
      }
    };
    const { body, headers } = await refused();
    expect(body).toMatchObject({ 'violated-policies': ['burst', 'daily'], limit: 3, used: quota.used, remaining: 0, resetsAt: quota.resetsAt });
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
