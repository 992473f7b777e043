import { makeAdmin, PASSWORD, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';

const KEY = 'users.defaultTier';

describe('the tier of new users', () => {
  let service: Service;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    admin = await makeAdmin(service);
    for (const [name, dailyQuota] of [
      ['starter', 7],
      ['other', 9],
    ]) {
      await asAdmin().post('/v1/tiers').send({ name, dailyQuota }).expect(201);
    }
  });
  afterAll(() => service.close());

  const asAdmin = (replica = 0) => service.replicas[replica].as(admin);
  const set = (value: unknown) => asAdmin().put(`/v1/configurations/${KEY}`).set('if-match', '*').send({ value });
  const change = (tier: string, body: object) => asAdmin().patch(`/v1/tiers/${tier}`).send(body);
  let count = 0;
  /** A new user's tier and quota, by registration and by an administrator. */
  const given = async (replica = 0) => {
    const body = () => ({ email: `new-${++count}@example.com`, password: PASSWORD });
    const registered = await service.replicas[replica].as().post('/v1/auth/register').send(body()).expect(201);
    const created = await asAdmin(replica).post('/v1/users').send(body()).expect(201);
    expect(created.body).toMatchObject({ tier: registered.body.tier, dailyQuota: registered.body.dailyQuota });
    return [registered.body.tier, registered.body.dailyQuota];
  };
  const check = async () => {
    const { body } = await service.as().get('/health/ready').expect(200);
    return body.checks.defaultTier as { status: string; detail?: string } | undefined;
  };

  it('is free unless the setting sets another, which every replica follows at once', async () => {
    expect(await given()).toEqual(['free', 5]);
    await set('starter').expect(200);
    for (const replica of [0, 1]) expect(await given(replica)).toEqual(['starter', 7]);
    expect(await check()).toBeUndefined();
  });

  it('is never one that is not offered: the setting is refused', async () => {
    await change('other', { archived: true }).expect(200);
    for (const value of ['nowhere', 'other']) {
      expect((await set(value).expect(400)).body).toMatchObject({ code: 'validation-failed', errors: [{ pointer: '#/value' }] });
    }
    await change('other', { archived: false }).expect(200);
    await set(5).expect(400);
  });

  it('can be neither archived nor removed', async () => {
    await set('starter').expect(200);
    await service.sql(`UPDATE users SET subscription_tier = 'free' WHERE subscription_tier = 'starter'`);
    expect((await change('starter', { archived: true }).expect(409)).body.code).toBe('tier-in-use');
    expect((await asAdmin().delete('/v1/tiers/starter').expect(409)).body.code).toBe('tier-in-use');
    await change('starter', { dailyQuota: 8 }).expect(200);
    await change('free', { archived: true }).expect(200);
    await change('free', { archived: false }).expect(200);
  });

  it('is offered whatever happens at once: of a setting and an archiving one wins', async () => {
    for (let round = 0; round < 5; round++) {
      await set('starter').expect(200);
      const [written, archived] = await Promise.all([set('other'), change('other', { archived: true })]);
      expect([written.status, archived.status].sort()).toEqual(written.status === 200 ? [200, 409] : [200, 400]);
      expect(await check()).toBeUndefined();
      await set('starter').expect(200);
      await change('other', { archived: false }).expect(200);
    }
  });

  it('keeps its name in the setting when it is renamed, the standard one too', async () => {
    await set('starter').expect(200);
    await change('starter', { name: 'beginner' }).expect(200);
    expect(await given()).toEqual(['beginner', 8]);
    const { body } = await asAdmin().get(`/v1/configurations/${KEY}`).expect(200);
    expect(body).toMatchObject({ value: 'beginner', source: 'system' });
    await asAdmin().delete(`/v1/configurations/${KEY}`).set('if-match', '*').expect(204);
    await change('free', { name: 'gratis' }).expect(200);
    expect(await given()).toEqual(['gratis', 5]);
    // Its default names nothing any more.
    expect((await asAdmin().delete(`/v1/configurations/${KEY}`).set('if-match', '*').expect(400)).body.code).toBe('validation-failed');
  });

  it.each([
    ['a tier that is not there', `UPDATE system_configurations SET value = '"nowhere"' WHERE key = '${KEY}'`],
    ['a value of another kind', `UPDATE system_configurations SET value = '[1]' WHERE key = '${KEY}'`],
    ['a tier archived past the service', `UPDATE subscription_tiers SET archived = true WHERE name = 'beginner'`],
  ])('is the smallest that is offered when plain SQL leaves %s, and readiness states so', async (_, spoil) => {
    await service.sql(`UPDATE subscription_tiers SET archived = false WHERE name = 'beginner'`);
    await set('beginner').expect(200);
    await service.sql(spoil);
    expect(await given()).toEqual(['gratis', 5]);
    expect(await check()).toEqual({ status: 'degraded', detail: expect.stringContaining('new users get "gratis"') });
    await service.sql(`UPDATE subscription_tiers SET archived = false WHERE name = 'beginner'`);
    await set('beginner').expect(200);
    expect(await check()).toBeUndefined();
  });
});
