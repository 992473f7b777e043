import fc from 'fast-check';
import { BooksRepository } from '../../src/ledger/books.repository';
import { type Body, makeWorker } from '../requests/work';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';

interface Limit {
  name: string;
  period: string;
  units: number;
  types?: string[];
}

describe('limits of a plan beside its daily quota', () => {
  let service: Service;
  let admin: TestUser;
  let worker: TestUser;
  let plans = 0;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    admin = await makeAdmin(service);
    worker = await makeWorker(service);
  });
  afterAll(() => service.close());

  const charge = (user: TestUser, cost: number, replica = 0, type = 'search') =>
    service.replicas[replica].as(admin).post('/v1/requests').send({ type, userId: user.id, cost });
  const quotaOf = async (user: TestUser): Promise<Body> => (await service.as(user).get('/v1/users/me/quota').expect(200)).body;
  const used = async (user: TestUser) => (await quotaOf(user)).limits.map((limit: Body) => limit.used);
  const books = async () => (await service.app.get(BooksRepository).compare()).differences;
  async function makeMember(limits: Limit[], plan: object = {}): Promise<{ user: TestUser; plan: string }> {
    const name = `periods-${++plans}`;
    await service
      .as(admin)
      .post('/v1/tiers')
      .send({ name, dailyQuota: 1_000, limits, ...plan })
      .expect(201);
    return { user: await makeUser(service, { tier: name, dailyQuota: 1_000 }), plan: name };
  }

  it('are asked of a user who comes for the first time beside one whose grants are known', async () => {
    const granted = await makeUser(service, { dailyQuota: 100 });
    await service.as(admin).post(`/v1/users/${granted.id}/quota/grants`).send({ units: 1_000, reason: 'known' }).expect(201);
    await charge(granted, 1).expect(201);
    for (let i = 0; i < 8; i++) {
      const { user } = await makeMember([{ name: 'weekly', period: 'week', units: 1 }]);
      const beside = Array.from({ length: 6 }, () => charge(granted, 1));
      // Under a key, so that they are not tried as the plain case first, which would keep them apart.
      const first = ['a', 'b'].map((key) => charge(user, 1).set('idempotency-key', key));
      const answers = await Promise.all([...beside, ...first]);
      expect(answers.map(({ status }) => status).sort()).toEqual([...Array<number>(7).fill(201), 429]);
    }
  });

  it('are exact for charges at once on two replicas: all is charged or none, and each refusal names what refused it', async () => {
    const { user } = await makeMember([
      { name: 'weekly', period: 'week', units: 20 },
      { name: 'monthly', period: 'month', units: 30 },
      { name: 'slow', period: 'month', units: 5, types: ['slow', 'slower'] },
    ]);
    const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => charge(user, 1, i % 2, ['search', 'slow', 'slower'][i % 3])));
    const sum = (slow: boolean) =>
      answers.filter(({ status, body }) => status === 201 && (body.type !== 'search') === slow).reduce((units, { body }) => units + body.cost, 0);
    expect(sum(true)).toBeLessThanOrEqual(5);
    expect(await used(user)).toEqual([20, 20, sum(true)]);
    expect(sum(true) + sum(false)).toBe(20);
    for (const { status, body, headers } of answers.filter(({ status }) => status !== 201)) {
      expect([status, body.code]).toEqual([429, 'limit-exceeded']);
      expect(body['violated-policies'].every((name: string) => ['weekly', 'slow'].includes(name))).toBe(true);
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    }
    expect(await quotaOf(user)).toMatchObject({
      used: 20,
      limits: [{ remaining: 0 }, { remaining: 10 }, { remaining: 5 - sum(true), types: ['slow', 'slower'] }],
    });
    expect(await books()).toEqual([]);
  });

  it('have each a place in the rate-limit fields of what they count, and in the refusal', async () => {
    const { user, plan } = await makeMember([
      { name: 'monthly', period: 'month', units: 10 },
      { name: 'slow', period: 'week', units: 2, types: ['slow'] },
    ]);
    const { headers } = await charge(user, 2).expect(201);
    expect(headers['ratelimit-policy']).toMatch(/^"daily";q=1000;w=\d+, "monthly";q=10;w=\d+$/);
    expect(headers.ratelimit).toMatch(/^"daily";r=998;t=\d+, "monthly";r=8;t=\d+$/);
    await charge(user, 2, 1, 'slow').expect(201);
    const refused = await charge(user, 1, 0, 'slow').expect(429);
    expect(refused.headers.ratelimit).toMatch(/^"daily";r=996;t=\d+, "monthly";r=6;t=\d+, "slow";r=0;t=\d+$/);
    const [, , slow] = refused.headers.ratelimit.split(', ');
    expect(refused.headers['retry-after']).toBe(slow.split('t=')[1]);
    expect(refused.body).toMatchObject({ 'violated-policies': ['slow'], limit: 2, used: 2, requested: 1, remaining: 0 });
    const { body: quota, headers: shown } = await service.as(user).get('/v1/users/me/quota').expect(200);
    expect(shown['ratelimit-policy']).toMatch(/"daily".*"monthly".*"slow"/);
    expect(refused.body.resetsAt).toBe(quota.limits[1].resetsAt);
    expect((await charge(user, 3, 0, 'slow').expect(429)).body).toMatchObject({ code: 'cost-exceeds-quota', 'violated-policies': ['slow'] });
    await service
      .as(admin)
      .patch(`/v1/tiers/${plan}`)
      .send({ name: `${plan}-anew` })
      .expect(200);
    await charge(user, 1, 1, 'slow').expect(429);
    await service.as(admin).patch(`/v1/tiers/${plan}-anew`).send({ limits: [] }).expect(200);
    for (const replica of [0, 1]) await charge(user, 1, replica, 'slow').expect(201);
    expect(await quotaOf(user)).not.toHaveProperty('limits');
  });

  it('have their place in the fields of a replay too, as they stand now', async () => {
    const { user } = await makeMember([
      { name: 'monthly', period: 'month', units: 10 },
      { name: 'slow', period: 'week', units: 4, types: ['slow'] },
    ]);
    const keyed = (type: string, replica = 0) => charge(user, 1, replica, type).set('idempotency-key', type).expect(201);
    for (const type of ['search', 'slow']) await keyed(type);
    await charge(user, 2, 1, 'slow').expect(201);
    const replays = [await keyed('search', 1), await keyed('slow')];
    expect(replays.map(({ headers }) => headers['idempotency-replayed'])).toEqual(['true', 'true']);
    expect(replays[0].headers.ratelimit).toMatch(/^"daily";r=996;t=\d+, "monthly";r=6;t=\d+$/);
    expect(replays[1].headers.ratelimit).toMatch(/^"daily";r=996;t=\d+, "monthly";r=6;t=\d+, "slow";r=1;t=\d+$/);
    expect(await used(user)).toEqual([4, 3]);
  });

  it('are named together with the day, when both refuse', async () => {
    const { user } = await makeMember([{ name: 'monthly', period: 'month', units: 3 }]);
    await service.sql(`UPDATE users SET api_quota_daily = 3 WHERE id = $1`, [user.id]);
    await charge(user, 3).expect(201);
    const { body } = await charge(user, 1, 1).expect(429);
    expect(body).toMatchObject({ code: 'quota-exceeded', 'violated-policies': ['daily', 'monthly'] });
  });

  it('are passed over where limits are tried out, and stand where they would stand', async () => {
    const { user } = await makeMember([{ name: 'monthly', period: 'month', units: 3 }], { shadow: true, maxInFlight: 2 });
    const field = async (cost: number, replica = 0) => (await charge(user, cost, replica).expect(201)).headers['x-quota-shadow'];
    expect(await field(2)).toBeUndefined();
    for (const replica of [0, 1]) expect(await field(2, replica)).toBe('limit-exceeded');
    expect(await field(1)).toBe('too-many-in-flight');
    expect(await used(user)).toEqual([2]);
    expect((await quotaOf(user)).inFlight).toEqual({ limit: 2, used: 2 });
    expect(await books()).toEqual([]);
  });

  it('count what grants and overage pay too', async () => {
    const { user } = await makeMember([{ name: 'monthly', period: 'month', units: 6 }], { overage: { max: 2 } });
    await service.sql(`UPDATE users SET api_quota_daily = 1 WHERE id = $1`, [user.id]);
    await service.as(admin).post(`/v1/users/${user.id}/quota/grants`).send({ units: 2, reason: 'test' }).expect(201);
    const { body } = await charge(user, 5).expect(201);
    expect(body.draws).toHaveLength(2);
    expect(await used(user)).toEqual([5]);
    await service.as(user).post(`/v1/requests/${body.id}/cancel`).expect(200);
    expect(await used(user)).toEqual([0]);
    expect(await books()).toEqual([]);
  });

  it('get back what is refunded in the period that was charged, though another one has begun', async () => {
    const { user } = await makeMember([{ name: 'monthly', period: 'month', units: 6 }]);
    const { body } = await charge(user, 4).expect(201);
    await service.sql(`UPDATE quota_limit_usage SET starts_at = starts_at - interval '60 days', ends_at = ends_at - interval '60 days' WHERE user_id = $1`, [
      user.id,
    ]);
    await service.sql(
      `UPDATE requests r SET limits_charged = (SELECT jsonb_agg(jsonb_build_object('name', name, 'period', period, 'starts_at', starts_at)) FROM quota_limit_usage c WHERE c.user_id = r.user_id)
       WHERE id = $1`,
      [body.id],
    );
    await charge(user, 6, 1).expect(201);
    await service.as(user).post(`/v1/requests/${body.id}/cancel`).expect(200);
    expect(await used(user)).toEqual([6]);
    expect(await service.sql('SELECT used FROM quota_limit_usage WHERE user_id = $1 ORDER BY starts_at', [user.id])).toEqual([{ used: 0 }, { used: 6 }]);
    expect(await books()).toEqual([]);
  });

  it('are no wider for who changes their zone back and forth', async () => {
    const { user } = await makeMember([
      { name: 'daily-searches', period: 'day', units: 2 },
      { name: 'weekly', period: 'week', units: 3 },
      { name: 'monthly', period: 'month', units: 4 },
    ]);
    await charge(user, 2).expect(201);
    // In the middle of each period, whenever the test runs.
    await service.sql(`UPDATE quota_limit_usage SET ends_at = now() + interval '50 hours' WHERE user_id = $1`, [user.id]);
    for (const timeZone of ['Pacific/Kiritimati', 'Pacific/Pago_Pago', 'Etc/UTC', 'Asia/Kathmandu']) {
      await service.as(admin).patch(`/v1/users/${user.id}`).send({ timeZone }).expect(200);
      for (const replica of [0, 1]) await charge(user, 1, replica).expect(429);
    }
    expect(await used(user)).toEqual([2, 2, 2]);
  });

  type Act = { do: 'charge'; cost: number; type: string } | { do: 'end'; pick: number; share: number | null } | { do: 'reset' };
  const types = ['slow', 'fast', 'other'];
  const act: fc.Arbitrary<Act> = fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('charge' as const), cost: fc.integer({ min: 1, max: 5 }), type: fc.constantFrom(...types) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('end' as const), pick: fc.nat(), share: fc.option(fc.double({ min: 0, max: 1, noNaN: true })) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('reset' as const) }) },
  );

  it('admit and count what a model of single counters does, whatever is charged, ended and reset', async () => {
    const limit = fc.record({ units: fc.integer({ min: 3, max: 20 }), types: fc.option(fc.subarray(types, { minLength: 1 })) });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 5, max: 30 }), limit, limit, fc.array(act, { minLength: 8, maxLength: 25 }), async (quota, first, second, acts) => {
        const [small, large] = first.units <= second.units ? [first, second] : [second, first];
        const limits = [small, large].map(({ units, types: of }, i) => ({
          name: `l${i}`,
          period: ['week', 'month'][i] ?? '',
          units,
          ...(of ? { types: of } : {}),
        }));
        const { user } = await makeMember(limits);
        await service.sql(`UPDATE users SET api_quota_daily = $2 WHERE id = $1`, [user.id, quota]);
        let open: { id: string; cost: number; type: string; left: number }[] = [];
        const sum = (of?: string[]) => open.reduce((units, { left, type }) => units + (of === undefined || of.includes(type) ? left : 0), 0);
        for (const [i, step] of acts.entries()) {
          if (step.do === 'charge') {
            const { cost, type } = step;
            const fits = sum() + cost <= quota && limits.every((one) => (one.types?.includes(type) ?? true) === false || sum(one.types) + cost <= one.units);
            const { status, body } = await charge(user, cost, i % 2, type);
            expect([i, status]).toEqual([i, fits ? 201 : 429]);
            if (fits) open.push({ id: body.id, cost, type, left: cost });
          } else if (step.do === 'reset') {
            await service.as(admin).post(`/v1/users/${user.id}/quota/reset`).send({ reason: 'test' }).expect(200);
            open = [];
          } else {
            const request = open.filter(({ id }) => id !== '')[step.pick % Math.max(1, open.filter(({ id }) => id !== '').length)];
            if (!request) continue;
            const units = step.share === null ? 0 : Math.round(step.share * request.cost);
            if (step.share === null) await service.as(user).post(`/v1/requests/${request.id}/cancel`).expect(200);
            else {
              await service.sql(
                `UPDATE requests SET status = 'processing', attempt = 1, max_attempts = 1, started_at = now(), lease_expires_at = now() + interval '1 hour' WHERE id = $1`,
                [request.id],
              );
              await service.as(worker).post(`/v1/requests/${request.id}/complete`).send({ attempt: 1, units }).expect(200);
            }
            Object.assign(request, { id: '', left: units });
          }
          expect([step, await used(user)]).toEqual([step, limits.map((one) => sum(one.types))]);
        }
      }),
      { numRuns: Number(process.env.FC_RUNS ?? 15) },
    );
    expect(await books()).toEqual([]);
  }, 600_000);

  it('have periods of the calendar in the zone of the user, from the hour at which their days begin', async () => {
    const period = async (name: string, zone: string, instant: string) => {
      const [row] = await service.sql(`SELECT starts_at, ends_at FROM quota_limit_period($1, $2, $3)`, [name, zone, instant]);
      return [row.starts_at, row.ends_at].map((at) => (at as Date).toISOString().replace(':00.000Z', 'Z'));
    };
    const berlin = 'Europe/Berlin';
    // Clocks forward in March, back in October: a day of 23 hours, one of 25, and an hour that comes twice is two.
    expect(await period('day', berlin, '2026-03-29T12:00Z')).toEqual(['2026-03-28T23:00Z', '2026-03-29T22:00Z']);
    expect(await period('day', berlin, '2026-10-25T12:00Z')).toEqual(['2026-10-24T22:00Z', '2026-10-25T23:00Z']);
    expect(await period('hour', berlin, '2026-10-25T00:30Z')).toEqual(['2026-10-25T00:00Z', '2026-10-25T01:00Z']);
    expect(await period('hour', berlin, '2026-10-25T01:30Z')).toEqual(['2026-10-25T01:00Z', '2026-10-25T02:00Z']);
    expect(await period('hour', 'Asia/Kathmandu', '2026-05-01T10:30Z')).toEqual(['2026-05-01T10:15Z', '2026-05-01T11:15Z']);
    expect(await period('minute', 'Asia/Kathmandu', '2026-05-01T10:30:59Z')).toEqual(['2026-05-01T10:30Z', '2026-05-01T10:31Z']);
    expect(await period('week', berlin, '2026-03-29T12:00Z')).toEqual(['2026-03-22T23:00Z', '2026-03-29T22:00Z']);
    expect(await period('month', berlin, '2028-02-29T12:00Z')).toEqual(['2028-01-31T23:00Z', '2028-02-29T23:00Z']);
    expect(await period('month', `${berlin}@06:00`, '2026-03-01T04:59Z')).toEqual(['2026-02-01T05:00Z', '2026-03-01T05:00Z']);
    expect(await period('month', `${berlin}@06:00`, '2026-03-01T05:00Z')).toEqual(['2026-03-01T05:00Z', '2026-04-01T04:00Z']);
    expect(await period('week', `${berlin}@06:00`, '2026-03-30T03:59Z')).toEqual(['2026-03-23T05:00Z', '2026-03-30T04:00Z']);
  });

  it('have periods without a gap and without an overlap, whatever the zone and the instant', async () => {
    const zone = fc.constantFrom(
      'Etc/UTC',
      'Europe/Berlin',
      'America/New_York',
      'America/St_Johns',
      'Asia/Kathmandu',
      'Africa/Cairo',
      'Europe/Berlin@06:00',
      'America/Santiago@02:30',
    );
    const instant = fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2032, 0, 1) });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('minute', 'hour', 'day', 'week', 'month'), zone, instant, async (name, place, ms) => {
        const [row] = await service.sql(
          `SELECT p.starts_at <= at AND at < p.ends_at AS inside, a.starts_at = p.ends_at AS after, b.ends_at = p.starts_at AS before, l.starts_at = p.starts_at AS last
           FROM (SELECT to_timestamp($3::float8 / 1000) AS at) t CROSS JOIN LATERAL quota_limit_period($1, $2, at) p
           CROSS JOIN LATERAL quota_limit_period($1, $2, p.ends_at) a CROSS JOIN LATERAL quota_limit_period($1, $2, p.starts_at - interval '1 microsecond') b
           CROSS JOIN LATERAL quota_limit_period($1, $2, p.ends_at - interval '1 microsecond') l`,
          [name, place, ms],
        );
        expect(row).toEqual({ inside: true, after: true, before: true, last: true });
      }),
      { numRuns: Number(process.env.FC_RUNS ?? 150) },
    );
  });

  it('forget counters of periods long over', async () => {
    const { user } = await makeMember([{ name: 'monthly', period: 'month', units: 6 }]);
    const { body } = await charge(user, 2).expect(201);
    await service.as(user).post(`/v1/requests/${body.id}/cancel`).expect(200);
    await charge(user, 1).expect(201);
    await service.sql(
      `INSERT INTO quota_limit_usage (user_id, name, period, starts_at, ends_at, used) VALUES ($1, 'monthly', 'month', now() - interval '70 days', now() - interval '40 days', 0)`,
      [user.id],
    );
    await service.as(admin).post('/v1/jobs/housekeeping/run').expect(200);
    expect(await service.sql('SELECT used FROM quota_limit_usage WHERE user_id = $1', [user.id])).toEqual([{ used: 1 }]);
    expect(await used(user)).toEqual([1]);
    expect(await books()).toEqual([]);
  });

  const valid = { name: 'monthly', period: 'month', units: 5 };
  it.each([
    ['#/limits', { limits: 'monthly' }],
    ['#/limits', { limits: Array.from({ length: 11 }, (_, i) => ({ ...valid, name: `l${i}` })) }],
    ['#/limits/0', { limits: [1] }],
    ['#/limits/0/name', { limits: [{ ...valid, name: 'Monthly' }] }],
    ['#/limits/0/name', { limits: [{ ...valid, name: 'daily' }] }],
    ['#/limits/0/name', { limits: [{ ...valid, name: null }] }],
    ['#/limits/0/period', { limits: [{ ...valid, period: 'year' }] }],
    ['#/limits/0/units', { limits: [{ ...valid, units: 0 }] }],
    ['#/limits/0/units', { limits: [{ ...valid, units: 1.5 }] }],
    ['#/limits/0/units', { limits: [{ ...valid, units: -1 }] }],
    ['#/limits/0/units', { limits: [{ ...valid, units: 2_147_483_648 }] }],
    ['#/limits/0/types', { limits: [{ ...valid, types: [] }] }],
    ['#/limits/0/types/1', { limits: [{ ...valid, types: ['a', 'a'] }] }],
    ['#/limits/0/types/0', { limits: [{ ...valid, types: ['A'] }] }],
    ['#/limits/0/colour', { limits: [{ ...valid, colour: 1 }] }],
    ['#/limits/1/name', { limits: [valid, { ...valid, period: 'week', units: 1 }] }],
    ['#/limits/1/period', { limits: [valid, { ...valid, name: 'other' }] }],
    ['#/limits/1/units', { limits: [valid, { name: 'weekly', period: 'week', units: 6 }] }],
    ['#/limits/1/units', { limits: [{ name: 'hourly', period: 'hour', units: 6 }, valid] }],
  ])('are refused at %s: %j', async (pointer, body) => {
    const { body: answer } = await service
      .as(admin)
      .post('/v1/tiers')
      .send({ name: 'wrong', dailyQuota: 1, ...body })
      .expect(400);
    expect(answer).toEqual(expect.objectContaining({ errors: [expect.objectContaining({ pointer })] }));
  });

  it('are refused in an edit by the same rules, which leaves the plan as it was', async () => {
    const { plan } = await makeMember([valid]);
    await service
      .as(admin)
      .patch(`/v1/tiers/${plan}`)
      .send({ limits: [{ ...valid, units: 0 }] })
      .expect(400);
    const { body } = await service.as(admin).get(`/v1/tiers/${plan}`).expect(200);
    expect(body.limits).toEqual([valid]);
  });

  const limit = { name: 'a', period: 'hour', units: 5 };
  it.each([
    {},
    [],
    [1],
    Array.from({ length: 11 }, (_, i) => ({ ...limit, name: `a${i}` })),
    [{ ...limit, name: 'A' }],
    [{ ...limit, name: ['a'] }],
    [{ ...limit, period: 'year' }],
    [{ ...limit, units: 0 }],
    [{ ...limit, units: 1.5 }],
    [{ ...limit, units: 3_000_000_000 }],
    [{ ...limit, units: '5' }],
    [{ ...limit, types: 'search' }],
    [{ ...limit, types: [1] }],
    [{ name: 'a', units: 5 }],
    [limit, { ...limit, period: 'day' }],
  ])('are no %j by plain SQL either: a charge that had to read them would fail', async (limits) => {
    const write = (value: unknown) => service.sql(`UPDATE subscription_tiers SET limits = $1 WHERE name = 'enterprise'`, [JSON.stringify(value)]);
    await expect(write(limits)).rejects.toThrow(/subscription_tiers_limits_check/);
    await write([limit, { ...limit, name: 'b', types: ['search'] }]);
    await service.sql(`UPDATE subscription_tiers SET limits = NULL WHERE name = 'enterprise'`);
  });
});
