import { makeAdmin, makeUser, PASSWORD, type TestUser, type UserOverrides } from '../support/factories';
import { type Http, type Service, startService } from '../support/service';
import { logIn } from '../support/sessions';

describe('changing a user', () => {
  let service: Service;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startService();
    admin = await makeAdmin(service);
  });
  afterAll(() => service.close());

  const asAdmin = () => service.as(admin);
  const patch = (user: TestUser, change: object, query = '') => asAdmin().patch(`/v1/users/${user.id}${query}`).send(change);
  const quotaOf = async (user: TestUser) => (await asAdmin().get(`/v1/users/${user.id}/quota`).expect(200)).body;
  /** A user whose quota is their tier's. */
  async function onTier(overrides: UserOverrides & { tier: string }): Promise<TestUser> {
    const user = await makeUser(service, overrides);
    await service.sql(
      `UPDATE users u SET api_quota_custom = false, api_quota_daily = coalesce(t.daily_quota, 0), api_quota_unlimited = t.unlimited
       FROM subscription_tiers t WHERE t.name = u.subscription_tier AND u.id = $1`,
      [user.id],
    );
    return user;
  }
  async function session(user: TestUser): Promise<() => Http> {
    const { accessToken } = await logIn(service, user);
    return () => service.as(accessToken);
  }

  it('of one’s own address needs the password and is seen at once', async () => {
    const user = await makeUser(service);
    const me = await session(user);
    const change = (body: object) => me().patch('/v1/users/me').send(body);
    expect((await change({ email: 'New@example.com' }).expect(403)).body.code).toBe('wrong-password');
    expect((await change({ email: 'New@example.com', currentPassword: 'wrong one' }).expect(403)).body.code).toBe('wrong-password');
    const { body } = await change({ email: 'New@example.com', currentPassword: PASSWORD }).expect(200);
    expect(body.email).toBe('New@example.com');
    await logIn(service, { email: 'new@example.com' });
  });

  it('of an address to one that is taken is 409, and to nothing 400', async () => {
    const user = await makeUser(service);
    const other = await makeUser(service);
    expect((await patch(user, { email: other.email.toUpperCase() }).expect(409)).body.code).toBe('email-taken');
    for (const email of [null, '', 'no address', 5]) expect((await patch(user, { email }).expect(400)).body.errors[0].pointer).toBe('#/email');
    await patch(user, { email: user.email.toUpperCase() }).expect(200);
  });

  it('of one’s own zone needs nothing, and nonsense is refused by name', async () => {
    const user = await makeUser(service);
    const me = await session(user);
    const { body } = await me().patch('/v1/users/me').send({ timeZone: 'Asia/Kathmandu' }).expect(200);
    expect(body.timeZone).toBe('Asia/Kathmandu');
    const refused = await me().patch('/v1/users/me').send({ timeZone: 'Nowhere/Land' }).expect(400);
    expect(refused.body.errors).toEqual([{ pointer: '#/timeZone', detail: expect.any(String), code: 'unknown-time-zone' }]);
    expect((await me().patch('/v1/users/me').send({ timeZone: null }).expect(200)).body.timeZone).toBeNull();
  });

  it.each([
    { tier: 'pro' },
    { dailyQuota: 1_000_000 },
    { dailyQuota: null },
    { unlimited: true },
    { role: 'admin' },
    { status: 'active' },
    { tier: 'pro', effective: 'now' },
  ])('to %j is for administrators', async (change) => {
    const user = await makeUser(service);
    const me = await session(user);
    const before = await asAdmin().get(`/v1/users/${user.id}`);
    expect((await me().patch('/v1/users/me').send(change).expect(403)).body.code).toBe('admin-only');
    expect((await asAdmin().get(`/v1/users/${user.id}`)).body).toEqual(before.body);
  });

  it.each([{ id: 5 }, { usedToday: 0 }, { passwordHash: 'x' }, { tokenVersion: 5 }, { createdAt: '2020-01-01T00:00:00Z' }, { password: 'x' }])(
    'to %j is a change of no known field',
    async (change) => {
      const { body } = await patch(await makeUser(service), change).expect(400);
      expect(body.errors[0]).toMatchObject({ pointer: `#/${Object.keys(change)[0]}`, code: 'unknown-field' });
    },
  );

  it('by an API key of their own is refused', async () => {
    const user = await makeUser(service);
    expect((await service.as(user).patch('/v1/users/me').send({ timeZone: 'Etc/UTC' }).expect(403)).body.code).toBe('scope-required');
  });

  it('takes If-Match where it is given, and answers with the new ETag', async () => {
    const user = await makeUser(service);
    const { headers } = await asAdmin().get(`/v1/users/${user.id}`).expect(200);
    const changed = await patch(user, { dailyQuota: 7 }).set('if-match', headers.etag).expect(200);
    expect(changed.headers.etag).not.toBe(headers.etag);
    expect((await asAdmin().get(`/v1/users/${user.id}`)).headers.etag).toBe(changed.headers.etag);
    const stale = await patch(user, { dailyQuota: 8 }).set('if-match', headers.etag).expect(412);
    expect(stale.body.code).toBe('precondition-failed');
    await patch(user, { dailyQuota: 8 }).set('if-match', '*').expect(200);
    await asAdmin().delete(`/v1/users/${user.id}`).set('if-match', headers.etag).expect(412);
    const { headers: last } = await asAdmin().get(`/v1/users/${user.id}`).expect(200);
    await asAdmin().delete(`/v1/users/${user.id}`).set('if-match', last.etag).expect(204);
  });

  it('keeps the ETag when the user only spends', async () => {
    const user = await makeUser(service);
    const before = (await asAdmin().get(`/v1/users/${user.id}`)).headers.etag;
    await service.as(user).post('/v1/requests').send({ type: 'x' }).expect(201);
    expect((await asAdmin().get(`/v1/users/${user.id}`)).headers.etag).toBe(before);
  });

  it('to more quota acts now and keeps what was used', async () => {
    const user = await onTier({ tier: 'free' });
    await service.as(user).post('/v1/requests').send({ type: 'x' }).expect(201);
    expect((await patch(user, { tier: 'pro' }).expect(200)).body).toMatchObject({ tier: 'pro', dailyQuota: 1000 });
    expect(await quotaOf(user)).toMatchObject({ limit: 1000, used: 1, tier: 'pro', next: null });
    expect((await patch(user, { tier: 'enterprise' }).expect(200)).body).toMatchObject({ dailyQuota: null, unlimited: true });
    expect(await quotaOf(user)).toMatchObject({ limit: null, unlimited: true, remaining: null, used: 1 });
  });

  it('to less quota waits for the next period, unless the operator asks for now', async () => {
    const user = await onTier({ tier: 'pro' });
    expect((await patch(user, { tier: 'free' }).expect(200)).body).toMatchObject({ tier: 'pro', dailyQuota: 1000 });
    const quota = await quotaOf(user);
    expect(quota).toMatchObject({ limit: 1000, tier: 'pro', next: { tier: 'free', dailyQuota: 5, effectiveAt: quota.resetsAt } });
    await service.sql('UPDATE users SET quota_reset_date = quota_reset_date - 1 WHERE id = $1', [user.id]);
    expect(await quotaOf(user)).toMatchObject({ limit: 5, tier: 'free', next: null });
    const now = await onTier({ tier: 'enterprise' });
    expect((await patch(now, { tier: 'free', effective: 'now' }).expect(200)).body).toMatchObject({ tier: 'free', dailyQuota: 5, unlimited: false });
    expect(await quotaOf(now)).toMatchObject({ limit: 5, unlimited: false, next: null });
  });

  it('to a number of their own and back to the tier’s', async () => {
    const user = await onTier({ tier: 'pro' });
    expect((await patch(user, { dailyQuota: 3 }).expect(200)).body).toMatchObject({ dailyQuota: 3, tier: 'pro' });
    expect((await patch(user, { unlimited: true }).expect(200)).body).toMatchObject({ dailyQuota: null, unlimited: true });
    expect((await patch(user, { dailyQuota: null }).expect(200)).body).toMatchObject({ dailyQuota: 1000, unlimited: false });
    expect((await patch(user, { dailyQuota: 0 }).expect(200)).body).toMatchObject({ dailyQuota: 0, unlimited: false });
    expect((await patch(user, { unlimited: false }).expect(200)).body).toMatchObject({ dailyQuota: 1000, unlimited: false });
  });

  it('below what was used today leaves nothing, and consumes nothing', async () => {
    const user = await makeUser(service, { dailyQuota: 10 });
    for (let i = 0; i < 3; i++) await service.as(user).post('/v1/requests').send({ type: 'x' }).expect(201);
    await patch(user, { dailyQuota: 2 }).expect(200);
    expect(await quotaOf(user)).toMatchObject({ limit: 2, used: 3, remaining: 0 });
    await service.as(user).post('/v1/requests').send({ type: 'x' }).expect(429);
  });

  it('can be previewed: nothing is done, and it states what and when', async () => {
    const user = await onTier({ tier: 'pro' });
    await service.as(user).post('/v1/requests').send({ type: 'x' }).expect(201);
    const before = (await asAdmin().get(`/v1/users/${user.id}`)).body;
    const { resetsAt } = await quotaOf(user);
    const down = (await patch(user, { tier: 'free' }, '?dryRun=true').expect(200)).body;
    expect(down).toMatchObject({ tier: 'pro', effectiveAt: resetsAt, remainingToday: 999, nextDailyQuota: 5 });
    const now = (await patch(user, { tier: 'free', effective: 'now' }, '?dryRun=true').expect(200)).body;
    expect(now).toMatchObject({ tier: 'free', dailyQuota: 5, remainingToday: 4, nextDailyQuota: 5 });
    expect(Math.abs(Date.parse(now.effectiveAt) - Date.now())).toBeLessThan(60_000);
    const up = (await patch(user, { tier: 'enterprise' }, '?dryRun=true').expect(200)).body;
    expect(up).toMatchObject({ tier: 'enterprise', dailyQuota: null, remainingToday: null, nextDailyQuota: null });
    await patch(user, { tier: 'none' }, '?dryRun=true').expect(400);
    await patch(user, { tier: 'pro' }, '?dryRun=perhaps').expect(400);
    expect((await asAdmin().get(`/v1/users/${user.id}`)).body).toEqual(before);
    const [audited] = await service.sql(`SELECT count(*)::int AS n FROM audit_events WHERE target_kind = 'user' AND target_id = $1`, [String(user.id)]);
    expect(audited).toEqual({ n: 0 });
  });

  it('of nothing changes nothing', async () => {
    const user = await makeUser(service);
    const before = await asAdmin().get(`/v1/users/${user.id}`);
    expect((await patch(user, {}).expect(200)).body).toEqual(before.body);
  });

  it('64 times at once ends in one of the asked states and no error', async () => {
    const user = await makeUser(service);
    const answers = await Promise.all(
      Array.from({ length: 64 }, (_, i) => patch(user, { dailyQuota: i, ...(i % 3 ? {} : { tier: 'pro', effective: 'now' }) })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  });
});
