import { TierCopiesService } from '../../src/tiers/tier-copies.service';
import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';

describe('tiers', () => {
  let service: Service;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    admin = await makeAdmin(service);
  });
  afterAll(() => service.close());

  const asAdmin = () => service.as(admin);
  const create = (body: object) => asAdmin().post('/v1/tiers').send(body);
  /** A user whose quota is the tier's. */
  const onTier = async (tier: string) => {
    const { body } = await asAdmin()
      .post('/v1/users')
      .send({ email: `${tier}-${Math.random()}@example.com`, password: 'correct horse', tier })
      .expect(201);
    return body.id as number;
  };
  const quotaOf = async (id: number) => (await asAdmin().get(`/v1/users/${id}/quota`).expect(200)).body;

  it('are three from the start, for anyone to read', async () => {
    const { body } = await service.as().get('/v1/tiers').expect(200);
    const id = expect.any(Number);
    expect(body).toEqual({
      items: [
        {
          id,
          name: 'free',
          dailyQuota: 5,
          unlimited: false,
          burstPerMinute: null,
          dayStartsAt: null,
          overage: null,
          limits: null,
          maxInFlight: null,
          maxInFlightByType: null,
          rollover: null,
          shadow: false,
          archived: false,
        },
        {
          id,
          name: 'pro',
          dailyQuota: 1000,
          unlimited: false,
          burstPerMinute: null,
          dayStartsAt: null,
          overage: null,
          limits: null,
          maxInFlight: null,
          maxInFlightByType: null,
          rollover: null,
          shadow: false,
          archived: false,
        },
        {
          id,
          name: 'enterprise',
          dailyQuota: null,
          unlimited: true,
          burstPerMinute: null,
          dayStartsAt: null,
          overage: null,
          limits: null,
          maxInFlight: null,
          maxInFlightByType: null,
          rollover: null,
          shadow: false,
          archived: false,
        },
      ],
      nextCursor: null,
    });
    for (const name of ['free', String(body.items[0].id)]) expect((await service.as().get(`/v1/tiers/${name}`).expect(200)).body).toEqual(body.items[0]);
    for (const name of ['none', '0', '01', '999999999', '99999999999', 'FREE']) await service.as().get(`/v1/tiers/${name}`).expect(404);
  });

  it('come in pages', async () => {
    const first = (await service.as().get('/v1/tiers?limit=2').expect(200)).body;
    const second = (await service.as().get(`/v1/tiers?limit=2&cursor=${first.nextCursor}`).expect(200)).body;
    expect([...first.items, ...second.items].map(({ name }: { name: string }) => name)).toEqual(['free', 'pro', 'enterprise']);
    expect(second.nextCursor).toBeNull();
    await service.as().get('/v1/tiers?cursor=nonsense').expect(400);
  });

  it('are made, changed and deleted by administrators', async () => {
    const { body, headers } = await create({ name: 'team', dailyQuota: 200, burstPerMinute: 60, sortOrder: 9 }).expect(201);
    expect(body).toEqual({
      id: expect.any(Number),
      name: 'team',
      dailyQuota: 200,
      unlimited: false,
      burstPerMinute: 60,
      dayStartsAt: null,
      overage: null,
      limits: null,
      maxInFlight: null,
      maxInFlightByType: null,
      rollover: null,
      shadow: false,
      archived: false,
    });
    expect(headers).toMatchObject({ location: `/v1/tiers/${body.id}`, etag: expect.any(String) });
    const path = headers.location;
    const changed = await asAdmin().patch(path).send({ dailyQuota: 300 }).expect(200);
    expect(changed.body).toEqual({ ...body, dailyQuota: 300 });
    expect(changed.headers.etag).not.toBe(headers.etag);
    await asAdmin().patch(path).set('if-match', headers.etag).send({ dailyQuota: 1 }).expect(412);
    await asAdmin().delete(path).set('if-match', headers.etag).expect(412);
    await asAdmin().delete(path).set('if-match', changed.headers.etag).expect(204);
    await asAdmin().get(path).expect(404);
    await asAdmin().delete(path).expect(404);
    await asAdmin().patch(path).send({ dailyQuota: 1 }).expect(404);
  });

  it('are made once for one Idempotency-Key, and a name belongs to one', async () => {
    const post = () => asAdmin().post('/v1/tiers').set('idempotency-key', '"tier"').send({ name: 'once', dailyQuota: 1 });
    const first = await post().expect(201);
    const again = await post().set('idempotency-key', 'tier').expect(201);
    expect(again.body).toEqual(first.body);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect((await create({ name: 'once', dailyQuota: 2 }).expect(409)).body.code).toBe('tier-name-taken');
    const { body } = await create({ name: 'twice', dailyQuota: 2 }).expect(201);
    expect((await asAdmin().patch(`/v1/tiers/${body.id}`).send({ name: 'once' }).expect(409)).body.code).toBe('tier-name-taken');
  });

  it('are not changed by users', async () => {
    const user = await makeUser(service);
    for (const answer of [
      service.as(user).post('/v1/tiers').send({ name: 'x', dailyQuota: 1 }),
      service.as(user).patch('/v1/tiers/free').send({ dailyQuota: 100 }),
      service.as(user).delete('/v1/tiers/pro'),
    ]) {
      await answer.expect(403);
    }
    await service.as().post('/v1/tiers').send({}).expect(401);
  });

  it.each([
    [{ dailyQuota: 1 }, '#/name'],
    [{ name: 'UPPER', dailyQuota: 1 }, '#/name'],
    [{ name: '', dailyQuota: 1 }, '#/name'],
    [{ name: '2026', dailyQuota: 1 }, '#/name'],
    [{ name: 'x'.repeat(51), dailyQuota: 1 }, '#/name'],
    [{ name: 'x' }, '#/dailyQuota'],
    [{ name: 'x', dailyQuota: null }, '#/dailyQuota'],
    [{ name: 'x', dailyQuota: -1 }, '#/dailyQuota'],
    [{ name: 'x', dailyQuota: 2_147_483_648 }, '#/dailyQuota'],
    [{ name: 'x', dailyQuota: 0.5 }, '#/dailyQuota'],
    [{ name: 'x', dailyQuota: 1, burstPerMinute: 0 }, '#/burstPerMinute'],
    [{ name: 'x', dailyQuota: 1, unlimited: 'yes' }, '#/unlimited'],
    [{ name: 'x', dailyQuota: 1, archived: true }, '#/archived'],
  ])('are not made of %j', async (body, pointer) => {
    expect((await create(body).expect(400)).body.errors[0].pointer).toBe(pointer);
  });

  it.each([
    [{ name: null }, '#/name'],
    [{ name: '7' }, '#/name'],
    [{ dailyQuota: null }, '#/dailyQuota'],
    [{ unlimited: null }, '#/unlimited'],
    [{ archived: null }, '#/archived'],
    [{ sortOrder: null }, '#/sortOrder'],
    [{ id: 7 }, '#/id'],
  ])('do not become %j', async (change, pointer) => {
    expect((await asAdmin().patch('/v1/tiers/free').send(change).expect(400)).body.errors[0].pointer).toBe(pointer);
  });

  it('give their quota to their users in the same instant, but not to those with a number of their own', async () => {
    await create({ name: 'edited', dailyQuota: 10 }).expect(201);
    const plain = await onTier('edited');
    const custom = await onTier('edited');
    await asAdmin().patch(`/v1/users/${custom}`).send({ dailyQuota: 77 }).expect(200);
    await asAdmin().patch('/v1/tiers/edited').send({ dailyQuota: 20 }).expect(200);
    expect([(await quotaOf(plain)).limit, (await quotaOf(custom)).limit]).toEqual([20, 77]);
    await asAdmin().patch('/v1/tiers/edited').send({ unlimited: true }).expect(200);
    expect([(await quotaOf(plain)).unlimited, (await quotaOf(custom)).limit]).toEqual([true, 77]);
    expect((await asAdmin().patch('/v1/tiers/edited').send({ unlimited: false }).expect(400)).body.errors[0].pointer).toBe('#/dailyQuota');
    await asAdmin().patch('/v1/tiers/edited').send({ dailyQuota: 0 }).expect(200);
    expect(await quotaOf(plain)).toMatchObject({ limit: 0, unlimited: false, remaining: 0 });
  });

  it('keep their users under a new name', async () => {
    await create({ name: 'before', dailyQuota: 10 }).expect(201);
    const id = await onTier('before');
    await asAdmin().patch('/v1/tiers/before').send({ name: 'after' }).expect(200);
    expect((await quotaOf(id)).tier).toBe('after');
  });

  it('are not deleted while users are on them or waiting for them, and archived ones are offered to nobody', async () => {
    await create({ name: 'used', dailyQuota: 10 }).expect(201);
    const id = await onTier('used');
    expect((await asAdmin().delete('/v1/tiers/used').expect(409)).body.code).toBe('tier-in-use');
    await asAdmin().patch('/v1/tiers/used').send({ archived: true }).expect(200);
    expect((await quotaOf(id)).limit).toBe(10);
    const refused = await asAdmin().post('/v1/users').send({ email: 'no@example.com', password: 'correct horse', tier: 'used' }).expect(400);
    expect(refused.body.errors[0].pointer).toBe('#/tier');
    await asAdmin().patch(`/v1/users/${id}`).send({ tier: 'free', effective: 'next-period' }).expect(200);
    expect((await asAdmin().delete('/v1/tiers/used').expect(409)).body.code).toBe('tier-in-use');
  });

  it('hold their burst limit on every replica within a second, and it costs no quota', async () => {
    await create({ name: 'bursty', dailyQuota: 1000 }).expect(201);
    const user = await makeUser(service, { tier: 'bursty', dailyQuota: 1000 });
    for (const replica of service.replicas) {
      const { headers } = await replica.as(user).post('/v1/requests').send({ type: 'x' }).expect(201);
      expect(headers['ratelimit-policy']).not.toContain('burst');
    }
    await asAdmin().patch('/v1/tiers/bursty').send({ burstPerMinute: 2 }).expect(200);
    for (const replica of service.replicas) {
      const { body, headers } = await eventually(() => replica.as(user).post('/v1/requests').send({ type: 'x' }).expect(429), 2_000);
      expect(body).toMatchObject({ code: 'burst-exceeded', 'violated-policies': ['burst'] });
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    }
    const [books] = await service.sql(
      'SELECT api_quota_used_today AS used, (SELECT count(*)::int FROM requests WHERE user_id = $1) AS rows FROM users WHERE id = $1',
      [user.id],
    );
    expect(books.used).toBe(books.rows);
  });

  it('edited while their users are charged lose no charge and end in the last quota', async () => {
    await create({ name: 'busy', dailyQuota: 1000 }).expect(201);
    const users = await Promise.all(Array.from({ length: 5 }, () => makeUser(service, { tier: 'busy', dailyQuota: 1000 })));
    await service.sql(`UPDATE users SET api_quota_custom = false WHERE subscription_tier = 'busy'`);
    const submits = users.flatMap((user, u) =>
      Array.from({ length: 20 }, (_, i) => service.replicas[(i + u) % 2].as(user).post('/v1/requests').send({ type: 'x' })),
    );
    const edits = [900, 800, 700].map((dailyQuota) => asAdmin().patch('/v1/tiers/busy').send({ dailyQuota }));
    const answers = await Promise.all([...submits, ...edits]);
    expect(answers.filter(({ status }) => status >= 400)).toEqual([]);
    // Rows that a charge held are copied to by the next run.
    await service.app.get(TierCopiesService).run();
    const rows = await service.sql(
      `SELECT api_quota_used_today AS used, api_quota_daily = (SELECT daily_quota FROM subscription_tiers WHERE name = 'busy') AS same
       FROM users WHERE subscription_tier = 'busy'`,
    );
    expect(rows).toEqual(users.map(() => ({ used: 20, same: true })));
  });
});
