import fc from 'fast-check';
import { claim, makeWorker, newType } from '../requests/work';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { writeSettingEverywhere } from '../support/settings';
import { type Service, startService } from '../support/service';

const refusal = (pointer: string) => expect.objectContaining({ errors: [expect.objectContaining({ pointer })] });

describe('a limit of units in flight', () => {
  let service: Service;
  let admin: TestUser;
  let worker: TestUser;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    admin = await makeAdmin(service);
    worker = await makeWorker(service);
    await writeSettingEverywhere(service, admin, 'requests.types', { instant: { execution: 'instant' } });
  });
  afterAll(() => service.close());

  let plans = 0;
  async function makeMember(plan: object): Promise<{ user: TestUser; plan: string }> {
    const name = `flight-${++plans}`;
    await service
      .as(admin)
      .post('/v1/tiers')
      .send({ name, dailyQuota: 1_000, ...plan })
      .expect(201);
    return { user: await makeUser(service, { tier: name, dailyQuota: 1_000 }), plan: name };
  }
  const submit = (user: TestUser, body: object = {}, replica = 0) =>
    service.replicas[replica]
      .as(admin)
      .post('/v1/requests')
      .send({ type: 'search', userId: user.id, ...body });
  const inFlight = async (user: TestUser) => (await service.as(user).get('/v1/users/me/quota').expect(200)).body.inFlight;

  it('is exact on two replicas, costs no quota beyond it, and has a code of its own', async () => {
    const { user } = await makeMember({ maxInFlight: 10 });
    const other = await makeUser(service, { tier: 'free' });
    const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => submit(user, { cost: (i % 3) + 1 }, i % 2)));
    const admitted = answers.filter(({ status }) => status === 201).reduce((sum, { body }) => sum + body.cost, 0);
    expect(admitted).toBe(10);
    for (const { status, body, headers } of answers.filter(({ status }) => status !== 201)) {
      expect([status, body.code, body.limit, body['violated-policies']]).toEqual([429, 'too-many-in-flight', 10, ['in-flight']]);
      expect(body.used + body.requested).toBeGreaterThan(10);
      expect(headers['retry-after']).toBe('1');
    }
    expect(await inFlight(user)).toEqual({ limit: 10, used: 10 });
    expect(await inFlight(other)).toBeUndefined();
    const { body: quota } = await service.as(user).get('/v1/users/me/quota').expect(200);
    expect(quota.used).toBe(10);
    await submit(user, { cost: 11 }).expect(429);
    await submit(user, { type: 'instant', cost: 50 }).expect(201);
    expect(await inFlight(user)).toEqual({ limit: 10, used: 10 });
  });

  it('is released by every ending: completed, failed, canceled, expired, a lease that ran out, a hold that was given back', async () => {
    const type = newType();
    const { user } = await makeMember({ maxInFlight: 1 });
    const attempts = async (path: (item: { id: string; attempt: number }) => [string, object]) => {
      await submit(user, { type }).expect(201);
      await submit(user, { type }, 1).expect(429);
      const [item] = await claim(service, worker, type);
      await submit(user, { type }, 1).expect(429);
      const [url, body] = path(item);
      await service
        .as(worker)
        .post(url)
        .send({ attempt: item.attempt, ...body })
        .expect(200);
    };
    await attempts(({ id }) => [`/v1/requests/${id}/complete`, {}]);
    await attempts(({ id }) => [`/v1/requests/${id}/fail`, { error: 'broken' }]);
    const { body: canceled } = await submit(user).expect(201);
    await submit(user).expect(429);
    await service.as(user).post(`/v1/requests/${canceled.id}/cancel`).expect(200);
    const { body: late } = await submit(user, { deadlineAt: new Date(Date.now() + 3_600_000).toISOString() }).expect(201);
    await submit(user).expect(429);
    await service.sql(`UPDATE requests SET deadline_at = now() - interval '1 second' WHERE id = $1`, [late.id]);
    const hold = () => service.as(user).get('/v1/authorize').set('x-quota-hold', '60');
    const { headers } = await hold().expect(204);
    const { body } = await hold().expect(429);
    expect(body.code).toBe('too-many-in-flight');
    await service.sql(`UPDATE requests SET lease_expires_at = now() - interval '1 second' WHERE id = $1`, [headers['x-charge-id']]);
    const { headers: held } = await hold().expect(204);
    await hold().expect(429);
    await service.as(worker).post(`/v1/requests/${held['x-charge-id']}/fail`).send({ attempt: 1 }).expect(200);
    await submit(user).expect(201);
    await submit(user).expect(429);
  });

  it('holds by type beside the number for all, and a user may have their own', async () => {
    const { user, plan } = await makeMember({ maxInFlight: 4, maxInFlightByType: { slow: 1 } });
    await submit(user, { type: 'slow' }).expect(201);
    const { body } = await submit(user, { type: 'slow' }).expect(429);
    expect(body).toMatchObject({ code: 'too-many-in-flight', requestType: 'slow', limit: 1, used: 1, requested: 1, remaining: 0 });
    await submit(user, { cost: 3 }).expect(201);
    expect((await submit(user).expect(429)).body).toMatchObject({ requestType: null, limit: 4, used: 4 });
    await service.as(admin).patch(`/v1/users/${user.id}`).send({ maxInFlight: 6 }).expect(200);
    await submit(user, { cost: 2 }, 1).expect(201);
    await submit(user).expect(429);
    expect(await inFlight(user)).toEqual({ limit: 6, used: 6 });
    await service.as(admin).patch(`/v1/users/${user.id}`).send({ maxInFlight: null }).expect(200);
    expect(await inFlight(user)).toEqual({ limit: 4, used: 6 });
    await service.as(admin).patch(`/v1/tiers/${plan}`).send({ maxInFlight: null, maxInFlightByType: null }).expect(200);
    await submit(user, { cost: 20 }).expect(201);
    const alone = await makeUser(service, {});
    await service.as(admin).patch(`/v1/users/${alone.id}`).send({ maxInFlight: 2 }).expect(200);
    const answers = await Promise.all([0, 1, 0, 1].map((replica) => submit(alone, {}, replica)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(2);
    await service.as(alone).patch('/v1/users/me').send({ maxInFlight: 5 }).expect(403);
  });

  it('refuses nothing while the plan is tried out, and shows what it would have refused', async () => {
    const { user } = await makeMember({ maxInFlight: 1, shadow: true });
    expect((await submit(user).expect(201)).headers['x-quota-shadow']).toBeUndefined();
    expect((await submit(user, {}, 1).expect(201)).headers['x-quota-shadow']).toBeDefined();
    const { body } = await service.as(user).get('/v1/users/me/quota').expect(200);
    expect(body).toMatchObject({ used: 1, inFlight: { limit: 1, used: 1 } });
  });

  it('is reached by 10,000 requests, whatever it is, so that a charge adds up no more', async () => {
    const { user } = await makeMember({ maxInFlight: 1_000_000 });
    await submit(user).expect(201);
    await service.sql(
      `INSERT INTO requests (user_id, type, charged_on, counts_in_flight) SELECT $1, 'search', current_date, true FROM generate_series(2, 10000)`,
      [user.id],
    );
    const { body } = await submit(user).expect(429);
    expect(body).toMatchObject({ code: 'too-many-in-flight', limit: 1_000_000, used: 1_000_000, remaining: 0 });
    await service.sql(`UPDATE requests SET status = 'canceled', finished_at = now() WHERE id = (SELECT id FROM requests WHERE user_id = $1 LIMIT 1)`, [
      user.id,
    ]);
    await submit(user).expect(201);
  });

  it.each(['{"slow": 1.5}', '{"slow": 0}', '{"slow": 3000000000}', '{"slow": "1"}', '{"slow": true}', '{"slow": null}', '[1]', '3'])(
    'is no %s by plain SQL either: a charge that had to read it would fail',
    async (value) => {
      await expect(service.sql(`UPDATE subscription_tiers SET max_in_flight_by_type = $1 WHERE name = 'free'`, [value])).rejects.toThrow(
        /subscription_tiers_max_in_flight_by_type_check/,
      );
    },
  );

  it('admits what a count would, whatever comes and ends in whatever order', async () => {
    const [all, slow] = [8, 4];
    const act = fc.oneof(
      fc.record({ does: fc.constant('submit' as const), cost: fc.integer({ min: 1, max: 5 }), type: fc.constantFrom('slow', 'search', 'instant') }),
      fc.record({ does: fc.constant('end' as const), which: fc.nat() }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 25 }), async (acts) => {
        const { user } = await makeMember({ maxInFlight: all, maxInFlightByType: { slow } });
        const under: { id: string; cost: number; type: string }[] = [];
        const sum = (type?: string) => under.reduce((units, { cost, type: of }) => units + (type === undefined || of === type ? cost : 0), 0);
        for (const [i, next] of acts.entries()) {
          if (next.does === 'end') {
            const [ended] = under.splice(next.which % Math.max(1, under.length), 1);
            if (ended) await service.as(user).post(`/v1/requests/${ended.id}/cancel`).expect(200);
            continue;
          }
          const { cost, type } = next;
          const fits = type === 'instant' || (sum() + cost <= all && (type !== 'slow' || sum('slow') + cost <= slow));
          const { body, status } = await submit(user, { cost, type }, i % 2);
          expect([i, status]).toEqual([i, fits ? 201 : 429]);
          if (fits && type !== 'instant') under.push({ id: body.id, cost, type });
        }
        expect(await inFlight(user)).toEqual({ limit: all, used: sum() });
      }),
      { numRuns: Number(process.env.FC_RUNS ?? 15) },
    );
  });

  it.each([
    ['#/maxInFlight', { maxInFlight: 0 }],
    ['#/maxInFlight', { maxInFlight: -1 }],
    ['#/maxInFlight', { maxInFlight: 1.5 }],
    ['#/maxInFlightByType/slow', { maxInFlightByType: { slow: 0 } }],
    ['#/maxInFlightByType/slow', { maxInFlightByType: { slow: '1' } }],
    ['#/maxInFlightByType/Slow', { maxInFlightByType: { Slow: 1 } }],
    ['#/maxInFlightByType', { maxInFlightByType: [1] }],
  ])('is refused at %s: %j', async (pointer, body) => {
    const { body: answer } = await service
      .as(admin)
      .post('/v1/tiers')
      .send({ name: 'wrong', dailyQuota: 1, ...body })
      .expect(400);
    expect(answer).toEqual(refusal(pointer));
  });
});
