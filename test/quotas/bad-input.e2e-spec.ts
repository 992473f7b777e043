import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';

describe('bad input', () => {
  let service: Service;
  let admin: TestUser;
  let user: TestUser;
  beforeAll(async () => {
    service = await startService();
    admin = await makeAdmin(service);
    user = await makeUser(service, { dailyQuota: 50 });
  });
  afterAll(async () => {
    const [books] = await service.sql('SELECT api_quota_used_today AS used, (SELECT count(*)::integer FROM requests) AS rows FROM users WHERE id = $1', [
      user.id,
    ]);
    await service.close();
    expect(books).toEqual({ used: 0, rows: 0 });
  });

  const refusal = (pointer: string) => expect.objectContaining({ errors: expect.arrayContaining([expect.objectContaining({ pointer })]) });
  const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;

  it.each([
    ['#/cost', { cost: 0 }],
    ['#/cost', { cost: -1 }],
    ['#/cost', { cost: 1.5 }],
    ['#/cost', { cost: 2_147_483_648 }],
    ['#/cost', { cost: '1' }],
    ['#/cost', { cost: true }],
    ['#/type', { type: '' }],
    ['#/type', { type: 'Search' }],
    ['#/type', { type: '-search' }],
    ['#/type', { type: 'a'.repeat(51) }],
    ['#/type', { type: 'search\n' }],
    ['#/type', { type: 7 }],
    ['#/type', { type: undefined }],
    ['#/userId', { userId: 0 }],
    ['#/userId', { userId: 2_147_483_648 }],
    ['#/userId', { userId: 'me' }],
    ['#/payload', { payload: 'text' }],
    ['#/payload', { payload: [1] }],
    ['#/price', { price: 1 }],
    ['#/payload/a~1b', { payload: { 'a/b': 'x\0y' } }],
  ])('in a submit is reported at %s: %j', async (pointer, body) => {
    const answer = await service
      .as(admin)
      .post('/v1/requests')
      .send({ type: 'search', userId: user.id, ...body });
    expect([answer.status, answer.headers['content-type']]).toEqual([400, 'application/problem+json']);
    expect(answer.body).toEqual(refusal(pointer));
  });

  it.each(['24:00', '6:00', '06:60', '06:00:00', ' 06:00', '', 6, true, ['06:00']])('in the hour at which days begin is reported: %j', async (dayStartsAt) => {
    const created = await service.as(admin).post('/v1/tiers').send({ name: 'hourly', dailyQuota: 1, dayStartsAt });
    const edited = await service.as(admin).patch('/v1/tiers/free').send({ dayStartsAt });
    for (const { status, body } of [created, edited]) expect([status, body]).toEqual([400, refusal('#/dayStartsAt')]);
    const key = '/v1/configurations/quota.dayStartsAt';
    const { headers } = await service.as(admin).get(key).expect(200);
    const { body } = await service.as(admin).put(key).set('if-match', headers.etag).send({ value: dayStartsAt }).expect(400);
    expect(body).toEqual(refusal('#/value'));
  });

  it('of raw JSON is reported: 3,000 levels, a NUL, a number that would change, text that is no JSON', async () => {
    const post = (text: string | Buffer) =>
      service
        .as(user)
        .post('/v1/requests')
        .set('content-type', 'application/json')
        .send(text as string);
    for (const payload of [nested(3_000), '{"x":"\\u0000"}', '{"x":1e999}', '{"x":12345678901234567890}', '{"x":"\\ud800"}']) {
      const { status, body } = await post(`{"type":"search","payload":${payload}}`);
      expect([payload.slice(0, 30), status]).toEqual([payload.slice(0, 30), 400]);
      expect(body.errors[0].pointer).toMatch(/^#\/payload\//);
    }
    for (const text of ['{"type":', '[]', '"search"', 'null', '{"type":"search","__proto__":{"cost":0}}']) {
      const { status, body } = await post(text);
      expect([text, status, typeof body.detail]).toEqual([text, 400, 'string']);
    }
  });

  it('of a payload that is too large is reported with its size', async () => {
    const { body } = await service
      .as(user)
      .post('/v1/requests')
      .send({ type: 'search', payload: { x: 'x'.repeat(70_000) } })
      .expect(413);
    expect(body).toEqual(refusal('#/payload'));
  });

  it.each(['x'.repeat(256), 'two outcomes', 'käse', ''])('of an Idempotency-Key is reported at the field: %j', async (key) => {
    const { body } = await service
      .as(user)
      .post('/v1/requests')
      .set('idempotency-key', Buffer.from(key).toString('latin1'))
      .send({ type: 'search' })
      .expect(400);
    expect(body).toEqual(refusal('#/headers/idempotency-key'));
  });

  it('of a cost beyond the quota states that waiting does not help, and of a caller who may not state one that the scope is missing', async () => {
    const { body } = await service.as(admin).post('/v1/requests').send({ type: 'search', userId: user.id, cost: 51 }).expect(429);
    expect(body).toMatchObject({ code: 'cost-exceeds-quota', requested: 51, limit: 50, used: 0, remaining: 50 });
    const largest = await service.as(admin).post('/v1/requests').send({ type: 'search', userId: user.id, cost: 2_147_483_647 }).expect(429);
    expect(largest.body).toMatchObject({ code: 'cost-exceeds-quota' });
    expect((await service.as(user).post('/v1/requests').send({ type: 'search', cost: 1 }).expect(403)).body).toMatchObject({ code: 'scope-required' });
    await service.as(user).post('/v1/requests').send({ type: 'search', userId: admin.id }).expect(404);
    await service.as(admin).post('/v1/requests').send({ type: 'search', userId: 999_999 }).expect(404);
  });

  it('of a type that is not listed is reported while types are strict', async () => {
    const put = (key: string, value: unknown) => service.as(admin).put(`/v1/configurations/${key}`).set('if-match', '*').send({ value });
    await put('requests.types', { listed: {} }).expect(200);
    await put('requests.strictTypes', true).expect(200);
    await eventually(async () => (await service.as(user).post('/v1/requests').send({ type: 'other' })).status === 400);
    const { body } = await service.as(user).post('/v1/requests').send({ type: 'constructor' }).expect(400);
    expect(body).toEqual(refusal('#/type'));
    await service.as(user).get('/v1/authorize').set('x-quota-type', 'constructor').expect(400);
    await service.sql('DELETE FROM requests');
    await service.sql('UPDATE users SET api_quota_used_today = 0, api_quota_requests_today = 0');
  });

  it.each([
    ['#/timeZone', { timeZone: 'Europe/Atlantis' }],
    ['#/timeZone', { timeZone: 'EST5EDT4,M3.2.0,M11.1.0' }],
    ['#/timeZone', { timeZone: '+02' }],
    ['#/timeZone', { timeZone: '' }],
    ['#/tier', { tier: 'platinum' }],
    ['#/tier', { tier: null }],
    ['#/effective', { tier: 'pro', effective: 'soon' }],
    ['#/dailyQuota', { dailyQuota: -1 }],
    ['#/dailyQuota', { dailyQuota: 1.5 }],
    ['#/dailyQuota', { dailyQuota: 2_147_483_648 }],
    ['#/unlimited', { unlimited: 1 }],
    ['#/quota', { quota: 5 }],
  ])('in a change of an account is reported at %s: %j', async (pointer, change) => {
    const { body } = await service.as(admin).patch(`/v1/users/${user.id}`).send(change).expect(400);
    expect(body).toEqual(refusal(pointer));
  });

  it.each([
    ['#/name', { name: 'Gold' }],
    ['#/name', {}],
    ['#/dailyQuota', { name: 'gold' }],
    ['#/dailyQuota', { name: 'gold', dailyQuota: -1 }],
    ['#/dailyQuota', { name: 'gold', dailyQuota: 2 ** 31 }],
    ['#/burstPerMinute', { name: 'gold', dailyQuota: 1, burstPerMinute: 0 }],
    ['#/archived', { name: 'gold', dailyQuota: 1, archived: true }],
  ])('in a tier is reported at %s: %j', async (pointer, tier) => {
    expect((await service.as(admin).post('/v1/tiers').send(tier).expect(400)).body).toEqual(refusal(pointer));
  });

  it('of a tier that is taken, in use, archived or not there is refused', async () => {
    expect((await service.as(admin).post('/v1/tiers').send({ name: 'pro', dailyQuota: 1 }).expect(409)).body.code).toBe('tier-name-taken');
    expect((await service.as(admin).delete('/v1/tiers/free').expect(409)).body.code).toBe('tier-in-use');
    await service.as(admin).patch('/v1/tiers/pro').send({ archived: true }).expect(200);
    expect((await service.as(admin).patch(`/v1/users/${user.id}`).send({ tier: 'pro' }).expect(400)).body).toEqual(refusal('#/tier'));
    await service.as(admin).patch('/v1/tiers/platinum').send({ dailyQuota: 1 }).expect(404);
    const { body } = await service.as(admin).patch('/v1/tiers/enterprise').send({ unlimited: false }).expect(400);
    expect(body).toEqual(refusal('#/dailyQuota'));
  });
});
