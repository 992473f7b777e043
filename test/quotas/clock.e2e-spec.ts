import { type ClockedService, startClockedService } from '../support/clocked-service';
import { DayRollRepository } from '../../src/ledger/day-roll.repository';
import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { writeSettingEverywhere } from '../support/settings';

const MINUTE_MS = 60_000;
const DAY_MS = 1_440 * MINUTE_MS;
/** Tomorrow at noon: the rows that tests make bear the true time, and the clock is not behind it. */
const NOON = (Math.floor(Date.now() / DAY_MS) + 1) * DAY_MS + DAY_MS / 2;
const dateOf = (at: number) => new Date(at).toISOString().slice(0, 10);

describe("the database's clock", () => {
  let service: ClockedService;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startClockedService({ replicas: 2 });
    admin = await makeAdmin(service);
  });
  beforeEach(() => service.setClock(NOON));
  afterAll(() => service.close());

  const charge = async (user: TestUser, replica = 0) => {
    const { status, body } = await service.replicas[replica].as(user).post('/v1/requests').send({ type: 'search' });
    return status === 201 ? (body.chargedOn as string) : status;
  };

  it('is what every part of the service goes by in these tests', async () => {
    const user = await makeUser(service);
    expect(await charge(user)).toBe(dateOf(NOON));
    await service.setClock(NOON + 3 * DAY_MS);
    expect(await charge(user)).toBe(dateOf(NOON + 3 * DAY_MS));
    await service.setClock(NOON + 4 * DAY_MS);
    expect((await service.sql('SELECT quota_close_out(ARRAY[$1::integer]) AS closed', [user.id]))[0]).toEqual({ closed: 1 });
    expect((await service.sql('SELECT quota_reset_date AS day FROM users WHERE id = $1', [user.id]))[0]).toEqual({ day: dateOf(NOON + 4 * DAY_MS) });
  });

  it('set back over midnight leaves the period where it was: what is left stays usable and nothing is won', async () => {
    const user = await makeUser(service, { dailyQuota: 2 });
    const midnight = NOON + DAY_MS / 2;
    expect([await charge(user), await charge(user, 1), await charge(user)]).toEqual([dateOf(NOON), dateOf(NOON), 429]);
    await service.setClock(midnight + MINUTE_MS);
    const later = dateOf(midnight);
    expect(await charge(user)).toBe(later);
    await service.setClock(midnight - MINUTE_MS);
    expect([await charge(user, 1), await charge(user), await charge(user, 1)]).toEqual([later, 429, 429]);
    const { body, headers } = await service.as(user).get('/v1/users/me/quota').expect(200);
    expect(body).toMatchObject({ used: 2, remaining: 0, resetsAt: new Date(midnight + DAY_MS).toISOString(), exhaustedAt: expect.any(String) });
    expect(headers.ratelimit).toBe(`"daily";r=0;t=${(DAY_MS + MINUTE_MS) / 1_000}`);
    await service.setClock(midnight + 2 * MINUTE_MS);
    expect(await charge(user)).toBe(429);
    await service.setClock(midnight + DAY_MS);
    expect(await charge(user)).toBe(dateOf(midnight + DAY_MS));
  });

  it('begins a period in which a quota that nothing is left of is recorded once, whichever way the charges are refused', async () => {
    const nothing = await makeUser(service, { dailyQuota: 0 });
    const lowered = await makeUser(service, { dailyQuota: 10 });
    for (let n = 0; n < 3; n++) expect(await charge(lowered)).toBe(dateOf(NOON));
    await service.as(admin).patch(`/v1/users/${lowered.id}`).send({ dailyQuota: 2 }).expect(200);
    const keyed = (user: TestUser, replica: number) =>
      service.replicas[replica].as(user).post('/v1/requests').set('idempotency-key', 'again').send({ type: 'search' }).expect(429);
    for (const at of [NOON, NOON + DAY_MS]) {
      await service.setClock(at);
      for (const replica of [0, 1, 0]) {
        expect(await charge(nothing, replica)).toBe(429);
        await keyed(nothing, replica);
      }
      for (const replica of [0, 1, 0, 1]) await charge(lowered, replica);
    }
    const exhausted = ({ id }: TestUser) =>
      service.sql(
        `SELECT data ->> 'date' AS date, data -> 'used' AS used, data -> 'limit' AS "limit", data -> 'remaining' AS remaining FROM events
         WHERE user_id = $1 AND type = 'quota.exhausted' ORDER BY id`,
        [id],
      );
    const dates = [dateOf(NOON), dateOf(NOON + DAY_MS)];
    expect(await exhausted(nothing)).toEqual(dates.map((date) => ({ date, used: 0, limit: 0, remaining: 0 })));
    expect(await exhausted(lowered)).toEqual([
      { date: dates[0], used: 3, limit: 2, remaining: 0 },
      { date: dates[1], used: 2, limit: 2, remaining: 0 },
    ]);
  });

  it('begins days at the hour that the setting or a plan names: on every replica, for charges, the close-out and what is archived', async () => {
    const hour = (hours: number) => NOON - DAY_MS / 2 + DAY_MS + hours * 60 * MINUTE_MS;
    await service.setClock(hour(-8));
    await writeSettingEverywhere(service, admin, 'quota.dayStartsAt', '06:00');
    await service.as(admin).post('/v1/tiers').send({ name: 'nightly', dailyQuota: 2, dayStartsAt: '22:30' }).expect(201);
    const user = await makeUser(service, { dailyQuota: 2 });
    const { body: made } = await service
      .as(admin)
      .post('/v1/users')
      .send({ email: 'nightly@example.com', password: 'long enough for this', tier: 'nightly' })
      .expect(201);
    const chargeFor = async (userId: number, replica: number) => {
      const { status, body } = await service.replicas[replica].as(admin).post('/v1/requests').send({ type: 'search', userId });
      return status === 201 ? (body.chargedOn as string) : status;
    };
    const bounds = async (userId: number) => {
      const { body } = await service.as(admin).get(`/v1/users/${userId}/quota`).expect(200);
      return [body.dayStartsAt, Date.parse(body.periodStart), Date.parse(body.resetsAt)];
    };
    const closeOut = async () => {
      await service.as(admin).post('/v1/jobs/quota-reset/run').expect(200);
      const rows = await service.sql<{ id: number; day: string }>('SELECT id, quota_reset_date::text AS day FROM users WHERE id = ANY ($1) ORDER BY id = $2', [
        [user.id, made.id],
        made.id,
      ]);
      return rows.map(({ day }) => day);
    };
    const [yesterday, today] = [dateOf(hour(-24)), dateOf(hour(0))];
    // Made with the day that it is by then: since six, and since half past ten of the evening before.
    await service.sql(`UPDATE users SET quota_reset_zone = 'Etc/UTC@06:00', quota_reset_date = $2 WHERE id = $1`, [user.id, yesterday]);
    expect(await bounds(user.id)).toEqual(['06:00', hour(-18), hour(6)]);
    expect(await bounds(made.id)).toEqual(['22:30', hour(-25.5), hour(-1.5)]);
    expect([await chargeFor(user.id, 0), await chargeFor(user.id, 1), await chargeFor(user.id, 0)]).toEqual([yesterday, yesterday, 429]);
    await service.setClock(hour(5) + 59 * MINUTE_MS);
    expect([await chargeFor(user.id, 1), await chargeFor(made.id, 0)]).toEqual([429, yesterday]);
    expect(await closeOut()).toEqual([yesterday, yesterday]);
    await service.setClock(hour(6));
    expect(await closeOut()).toEqual([today, yesterday]);
    expect([await chargeFor(user.id, 0), await chargeFor(user.id, 1), await chargeFor(user.id, 0)]).toEqual([today, today, 429]);
    const { body: usage } = await service.as(admin).get(`/v1/users/${user.id}/usage`).expect(200);
    expect(usage.items.slice(-2)).toEqual([expect.objectContaining({ date: yesterday, used: 2 }), expect.objectContaining({ date: today, used: 2 })]);

    const zonesSince = (at: number) => service.app.get(DayRollRepository).zonesDue(new Date(at).toISOString());
    await service.setClock(hour(6) + MINUTE_MS);
    expect([await zonesSince(hour(6) - MINUTE_MS), await zonesSince(hour(6))]).toEqual([[null], []]);
    await writeSettingEverywhere(service, admin, 'quota.dayStartsAt', '00:00');
    // A day that began at six is not cut short by a change in its midst: the first midnight that is 24 hours later ends it.
    expect(await bounds(user.id)).toEqual(['00:00', hour(6), hour(48)]);
    await service.setClock(hour(48));
    expect([await chargeFor(user.id, 0), await bounds(user.id)]).toEqual([dateOf(hour(48)), ['00:00', hour(48), hour(72)]]);
  });

  it('set back is reported to operators in readiness and metrics, and only while it is behind', async () => {
    const seen = async () => {
      const { body } = await service.as().get('/health/ready').expect(200);
      const metrics = await service.as().get('/metrics').expect(200);
      return [body.checks.clock.status, Number(/^quotidian_database_clock_behind_seconds (\S+)/m.exec(metrics.text)?.[1])];
    };
    expect(await seen()).toEqual(['up', 0]);
    await service.setClock(NOON - 60 * MINUTE_MS);
    // Metrics are made once a second.
    await eventually(async () => {
      const [status, seconds] = await seen();
      expect(status).toBe('degraded');
      expect(seconds).toBeGreaterThanOrEqual(3_600);
      expect(seconds).toBeLessThan(3_660);
    });
    await service.setClock(NOON + MINUTE_MS);
    await eventually(async () => expect(await seen()).toEqual(['up', 0]));
  });

  it('closes out, at once on two replicas, each day of each user once', async () => {
    const users = await Promise.all(Array.from({ length: 40 }, (_, i) => makeUser(service, { timeZone: i % 2 ? 'Asia/Kathmandu' : 'Pacific/Pago_Pago' })));
    await Promise.all(users.map((user, i) => charge(user, i % 2)));
    await service.setClock(NOON + 3 * DAY_MS);
    const runs = await Promise.all(service.replicas.map((replica) => replica.as(admin).post('/v1/jobs/quota-reset/run')));
    // One may find the other at work; whatever neither took is taken now.
    const last = await service.as(admin).post('/v1/jobs/quota-reset/run').expect(200);
    const ids = users.map(({ id }) => id);
    const [books] = await service.sql('SELECT count(*)::integer AS days, sum(used)::integer AS used FROM quota_usage WHERE user_id = ANY ($1)', [ids]);
    expect(books).toEqual({ days: 40, used: 40 });
    expect([...runs, last].reduce((sum, { body }) => sum + (body.closedOut ?? 0), 0)).toBeGreaterThanOrEqual(40);
    expect((await service.as(admin).post('/v1/jobs/quota-reset/run').expect(200)).body).toEqual({ closedOut: 0 });
  });

  it('counts an unlimited day up to what the counter holds, and states so there', async () => {
    const user = await makeUser(service, { unlimited: true });
    const pay = (cost: number) => service.as(admin).post('/v1/requests').send({ type: 'search', userId: user.id, cost });
    await pay(2_147_483_000).expect(201);
    const { body } = await pay(1_000).expect(429);
    expect(body).toMatchObject({ code: 'quota-exceeded', limit: 2_147_483_647, used: 2_147_483_000, requested: 1_000, remaining: 647 });
    await pay(647).expect(201);
  });
});
