import { type ClockedService, startClockedService } from '../support/clocked-service';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { inTransaction, untilBlocked } from '../support/waiting';

const HOUR_MS = 3_600_000;
const NOON = Date.parse('2027-03-10T12:00:00Z');

describe('the quota of a tier', () => {
  let service: ClockedService;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startClockedService({ replicas: 2 });
    admin = await makeAdmin(service);
  });
  beforeEach(() => service.setClock(NOON));
  afterAll(() => service.close());

  let tiers = 0;
  async function makeTier(dailyQuota: number | null): Promise<string> {
    const name = `tier-${++tiers}`;
    await service
      .as(admin)
      .post('/v1/tiers')
      .send({ name, dailyQuota, unlimited: dailyQuota === null })
      .expect(201);
    return name;
  }
  async function makeMember(tier: string): Promise<TestUser> {
    const member = await makeUser(service);
    await service.sql(
      `UPDATE users u SET subscription_tier = t.name, api_quota_custom = false, api_quota_daily = coalesce(t.daily_quota, 0), api_quota_unlimited = t.unlimited,
         quota_reset_date = (now() AT TIME ZONE 'UTC')::date
       FROM subscription_tiers t WHERE u.id = $1 AND t.name = $2`,
      [member.id, tier],
    );
    return member;
  }
  const submit = (user: TestUser, replica = 0) => service.replicas[replica].as(user).post('/v1/requests').send({ type: 'search' });
  const quotaOf = async (user: TestUser) => (await service.as(admin).get(`/v1/users/${user.id}/quota`).expect(200)).body;
  const patch = (user: TestUser, body: object, query = '') => service.as(admin).patch(`/v1/users/${user.id}${query}`).send(body);
  const lastEvent = async (kind: string, id: number) => {
    const [event] = await service.sql('SELECT * FROM audit_events WHERE target_kind = $1 AND target_id = $2 ORDER BY id DESC LIMIT 1', [kind, String(id)]);
    return event;
  };

  it('reaches its users with the answer to the edit, on every replica, and leaves custom numbers alone', async () => {
    const tier = await makeTier(2);
    const member = await makeMember(tier);
    const custom = await makeMember(tier);
    await patch(custom, { dailyQuota: 7 }).expect(200);
    for (const status of [201, 201, 429]) expect((await submit(member)).status).toBe(status);
    const { body } = await service.as(admin).patch(`/v1/tiers/${tier}`).send({ dailyQuota: 3 }).expect(200);
    expect((await submit(member, 1)).headers.ratelimit).toMatch(/^"daily";r=0;/);
    expect((await submit(member)).status).toBe(429);
    expect(await quotaOf(custom)).toMatchObject({ limit: 7 });
    expect(await lastEvent('tier', body.id)).toMatchObject({ action: 'tier.update', actor_id: admin.id, before: { dailyQuota: 2 }, after: { dailyQuota: 3 } });
  });

  it('lowered below what is used refuses new charges and breaks nothing', async () => {
    const tier = await makeTier(5);
    const member = await makeMember(tier);
    for (let i = 0; i < 4; i++) await submit(member).expect(201);
    await service.as(admin).patch(`/v1/tiers/${tier}`).send({ dailyQuota: 2 }).expect(200);
    const refused = await submit(member).expect(429);
    expect(refused.body).toMatchObject({ code: 'quota-exceeded', limit: 2, used: 4, remaining: 0 });
    expect(refused.headers.ratelimit).toMatch(/^"daily";r=0;/);
    expect(await quotaOf(member)).toMatchObject({ limit: 2, used: 4, remaining: 0 });
  });

  it('of zero refuses every charge as one that waiting does not help', async () => {
    const member = await makeMember(await makeTier(0));
    const refused = await submit(member).expect(429);
    expect(refused.body).toMatchObject({ code: 'cost-exceeds-quota', limit: 0, used: 0, requested: 1, remaining: 0 });
  });

  it('without a limit counts and never refuses, and announces no limit', async () => {
    const member = await makeMember(await makeTier(null));
    for (let i = 0; i < 3; i++) expect((await submit(member).expect(201)).headers.ratelimit).toBeUndefined();
    expect(await quotaOf(member)).toMatchObject({ limit: null, unlimited: true, used: 3, remaining: null });
  });

  it('becomes a higher one at once on upgrade, and what was used stays used', async () => {
    const member = await makeMember(await makeTier(2));
    await submit(member).expect(201);
    const higher = await makeTier(10);
    await patch(member, { tier: higher }).expect(200);
    expect(await quotaOf(member)).toMatchObject({ tier: higher, limit: 10, used: 1, remaining: 9, next: null });
    expect(await lastEvent('user', member.id)).toMatchObject({ action: 'user.update', actor_id: admin.id, after: { tier: higher, dailyQuota: 10 } });
  });

  it('becomes a lower one with the next period, and not before', async () => {
    const higher = await makeTier(10);
    const lower = await makeTier(2);
    const member = await makeMember(higher);
    for (let i = 0; i < 3; i++) await submit(member).expect(201);
    await patch(member, { tier: lower }).expect(200);
    const resetsAt = '2027-03-11T00:00:00.000Z';
    expect(await quotaOf(member)).toMatchObject({ tier: higher, limit: 10, used: 3, next: { tier: lower, dailyQuota: 2, effectiveAt: resetsAt } });
    expect(await lastEvent('user', member.id)).toMatchObject({ after: { nextTier: lower } });
    await service.setClock(Date.parse(resetsAt) - 1);
    await submit(member).expect(201);
    await service.setClock(Date.parse(resetsAt));
    expect(await quotaOf(member)).toMatchObject({ tier: lower, limit: 2, used: 0, next: null });
    for (const status of [201, 201, 429]) expect((await submit(member)).status).toBe(status);
    const { items } = (await service.as(admin).get(`/v1/users/${member.id}/usage?from=2027-03-10`)).body;
    expect(items).toEqual([
      { date: '2027-03-10', limit: 10, used: 4, refunded: 0, requests: 4 },
      { date: '2027-03-11', limit: 2, used: 2, refunded: 0, requests: 2 },
    ]);
  });

  it('becomes a lower one now if the operator states so, and a higher one later', async () => {
    const higher = await makeTier(10);
    const lower = await makeTier(2);
    const member = await makeMember(higher);
    await patch(member, { tier: lower, effective: 'now' }).expect(200);
    expect(await quotaOf(member)).toMatchObject({ tier: lower, limit: 2, next: null });
    await patch(member, { tier: higher, effective: 'next-period' }).expect(200);
    expect(await quotaOf(member)).toMatchObject({ tier: lower, limit: 2, next: { tier: higher, dailyQuota: 10 } });
  });

  describe('changed on a date', () => {
    const DAY_MS = 24 * HOUR_MS;
    const MAY = '2027-05-01T00:00:00.000Z';

    it('is in force from the first charge of that day on, on each replica, and not before, whoever begins the days between', async () => {
      const [first, second] = await Promise.all([makeTier(1), makeTier(3)]);
      const member = await makeMember(first);
      const { body } = await patch(member, { tier: second, effectiveOn: '2027-05-01', reason: 'contract' }).expect(200);
      expect(body).toMatchObject({ tier: first, dailyQuota: 1, next: { tier: second, dailyQuota: 3, effectiveAt: MAY } });
      expect(await lastEvent('user', member.id)).toMatchObject({ reason: 'contract', after: { nextTier: second, nextTierAt: MAY } });
      // A day that a charge begins, one that the close-out begins, and one that nobody did.
      for (const days of [1, 2]) {
        await service.setClock(NOON + days * DAY_MS);
        if (days === 2) await service.sql('SELECT quota_close_out(ARRAY[$1::integer])', [member.id]);
        for (const status of [201, 429]) expect((await submit(member, days - 1)).status).toBe(status);
        expect((await quotaOf(member)).next).toEqual({ tier: second, dailyQuota: 3, effectiveAt: MAY });
      }
      await service.setClock(Date.parse(MAY) - 1);
      expect(await quotaOf(member)).toMatchObject({ tier: first, limit: 1, used: 0, next: { tier: second } });
      for (const status of [201, 429]) expect((await submit(member)).status).toBe(status);
      await service.setClock(Date.parse(MAY));
      expect(await quotaOf(member)).toMatchObject({ tier: second, limit: 3, used: 0, next: null });
      expect((await service.as(admin).get(`/v1/users/${member.id}`).expect(200)).body.next).toBeUndefined();
      for (const status of [201, 201, 201, 429]) expect((await submit(member, 1)).status).toBe(status);
    });

    it('counts in the zone of the user, whose day the quota is', async () => {
      const [first, second] = await Promise.all([makeTier(5), makeTier(2)]);
      const member = await makeMember(first);
      await patch(member, { timeZone: 'Asia/Tokyo' }).expect(200);
      await service.setClock(NOON + 2 * DAY_MS);
      await submit(member).expect(201);
      const { body } = await patch(member, { tier: second, effectiveOn: '2027-05-01' }).expect(200);
      expect(body.next.effectiveAt).toBe('2027-04-30T15:00:00.000Z');
      await service.setClock(Date.parse('2027-04-30T15:00:00Z') - 1);
      expect(await quotaOf(member)).toMatchObject({ tier: first, limit: 5 });
      await service.setClock(Date.parse('2027-04-30T15:00:00Z'));
      expect(await quotaOf(member)).toMatchObject({ tier: second, limit: 2, next: null });
    });

    it('is in force by its plan as that is edited meanwhile, and takes the place of one that waited', async () => {
      const [first, second, third] = await Promise.all([makeTier(5), makeTier(7), makeTier(9)]);
      const member = await makeMember(first);
      await patch(member, { tier: second, effectiveOn: '2027-05-01' }).expect(200);
      const { body } = await patch(member, { tier: third, effectiveOn: '2027-06-01' }).expect(200);
      expect(body.next).toEqual({ tier: third, dailyQuota: 9, effectiveAt: '2027-06-01T00:00:00.000Z' });
      await service.as(admin).patch(`/v1/tiers/${third}`).send({ dailyQuota: 11 }).expect(200);
      await service.setClock(Date.parse('2027-06-01T00:00:00Z'));
      expect(await quotaOf(member)).toMatchObject({ tier: third, limit: 11 });
    });

    it('is in the list of those that wait until it is in force or was cancelled', async () => {
      const [first, second] = await Promise.all([makeTier(5), makeTier(7)]);
      const due = await makeMember(first);
      const cancelled = await makeMember(first);
      await patch(due, { tier: second, effectiveOn: '2027-04-01' }).expect(200);
      await patch(cancelled, { tier: second, effectiveOn: '2027-05-01' }).expect(200);
      const waiting = async () => {
        const found: { userId: number; tier: string; next: object }[] = [];
        for (let cursor = ''; ;) {
          const { body } = await service.as(admin).get(`/v1/tier-changes?limit=1${cursor}`).expect(200);
          found.push(...body.items);
          if (body.nextCursor === null) return found.filter(({ userId }) => userId === due.id || userId === cancelled.id);
          cursor = `&cursor=${body.nextCursor}`;
        }
      };
      expect(await waiting()).toEqual([
        { userId: due.id, email: due.email, tier: first, next: { tier: second, dailyQuota: 7, effectiveAt: '2027-04-01T00:00:00.000Z' } },
        { userId: cancelled.id, email: cancelled.email, tier: first, next: { tier: second, dailyQuota: 7, effectiveAt: MAY } },
      ]);
      await service.setClock(Date.parse('2027-04-01T00:00:00Z'));
      expect((await waiting()).map(({ userId }) => userId)).toEqual([cancelled.id]);
      await service.as(admin).delete(`/v1/users/${cancelled.id}/tier-change?reason=changed%20their%20mind`).expect(204);
      expect(await lastEvent('user', cancelled.id)).toMatchObject({ reason: 'changed their mind', before: { nextTier: second }, after: { nextTier: null } });
      await service.as(admin).delete(`/v1/users/${cancelled.id}/tier-change`).expect(204);
      await service.as(admin).delete('/v1/users/999999/tier-change').expect(404);
      expect(await waiting()).toEqual([]);
      await service.setClock(Date.parse(MAY));
      expect(await quotaOf(cancelled)).toMatchObject({ tier: first, limit: 5, next: null });
    });

    it.each([
      [{ effectiveOn: '2027-05-01' }, 'without-tier'],
      [{ tier: 'free', effective: 'now', effectiveOn: '2027-05-01' }, 'either-or'],
      [{ tier: 'free', effectiveOn: '2027-03-10' }, 'in-the-past'],
      [{ tier: 'free', effectiveOn: '2027-03-09' }, 'in-the-past'],
      [{ tier: 'free', effectiveOn: '2037-05-01' }, 'too-far'],
      [{ tier: 'free', effectiveOn: '2027-02-29' }, 'is-day'],
      [{ tier: 'free', effectiveOn: '2027-05-01T00:00:00Z' }, 'is-day'],
    ])('is refused for %j, naming the field', async (change, code) => {
      const { body } = await patch(await makeMember(await makeTier(5)), change).expect(400);
      expect(body.errors[0]).toMatchObject({ pointer: '#/effectiveOn', code });
    });
  });

  it('is previewed without being changed', async () => {
    const higher = await makeTier(10);
    const lower = await makeTier(2);
    const member = await makeMember(higher);
    await submit(member).expect(201);
    const before = await quotaOf(member);
    const down = await patch(member, { tier: lower }, '?dryRun=true').expect(200);
    expect(down.body).toMatchObject({ effectiveAt: '2027-03-11T00:00:00.000Z', remainingToday: 9, nextDailyQuota: 2 });
    const now = await patch(member, { tier: lower, effective: 'now' }, '?dryRun=true').expect(200);
    expect(now.body).toMatchObject({ tier: lower, effectiveAt: new Date(NOON).toISOString(), remainingToday: 1, nextDailyQuota: 2 });
    expect(await quotaOf(member)).toEqual(before);
    expect(await lastEvent('user', member.id)).toBeUndefined();
  });

  it('reaches those who wait for it too, when it is edited while they cross midnight', async () => {
    const higher = await makeTier(10);
    const lower = await makeTier(2);
    const waiting = await makeMember(higher);
    const holdUp = await makeMember(lower);
    await patch(waiting, { tier: lower }).expect(200);
    await service.setClock(NOON + 24 * HOUR_MS);
    await inTransaction(service, async (client) => {
      // Nobody can copy the edit to them before they charge, nor to somebody else on that tier.
      await client.query('SELECT FROM users WHERE id = ANY ($1) FOR UPDATE', [[holdUp.id, waiting.id]]);
      const charge = submit(waiting, 1).then((answer) => answer);
      await untilBlocked(service, 1);
      await service.as(admin).patch(`/v1/tiers/${lower}`).send({ dailyQuota: 5 }).expect(200);
      expect(await quotaOf(waiting)).toMatchObject({ tier: lower, limit: 5, used: 0 });
      await client.query('COMMIT');
      // The day of the one who waits is over: whoever charges first gives them the tier.
      expect((await charge).status).toBe(201);
    });
    expect(await quotaOf(waiting)).toMatchObject({ tier: lower, limit: 5, used: 1 });
  });

  it('takes back a number of its own with dailyQuota null, and a waiting change with the tier that is', async () => {
    const higher = await makeTier(10);
    const lower = await makeTier(2);
    const member = await makeMember(higher);
    await patch(member, { dailyQuota: 99 }).expect(200);
    expect(await quotaOf(member)).toMatchObject({ limit: 99, tier: higher });
    await patch(member, { unlimited: true }).expect(200);
    expect(await quotaOf(member)).toMatchObject({ limit: null, unlimited: true });
    await patch(member, { dailyQuota: null }).expect(200);
    expect(await quotaOf(member)).toMatchObject({ limit: 10, unlimited: false });
    await patch(member, { tier: lower }).expect(200);
    await patch(member, { tier: higher }).expect(200);
    expect(await quotaOf(member)).toMatchObject({ tier: higher, limit: 10, next: null });
  });

  it.each(['infinity', '-infinity', '5874897-12-31', '4713-01-01 BC'])(
    'changes on no day such as %s, by plain SQL either: no list that shows its user would be answered',
    async (day) => {
      const user = await makeUser(service);
      await expect(service.sql(`UPDATE users SET next_tier_from = $1::date WHERE id = $2`, [day, user.id])).rejects.toThrow(/users_next_tier_from_check/);
    },
  );
});
