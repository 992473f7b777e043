import fc from 'fast-check';
import { type ClockedService, startClockedService } from '../support/clocked-service';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { dateOf, DAY_MS, dayOf, LocalDays, serverAgrees } from '../support/local-days';
import { writeSetting } from '../support/settings';
import { type Hours, type Plan, QuotaModel } from './projection-model';

const ZONES = `Etc/UTC Europe/Berlin America/Havana Atlantic/Azores Africa/Cairo Asia/Beirut America/Santiago Australia/Lord_Howe
  Antarctica/Troll Asia/Kathmandu Pacific/Kiritimati Pacific/Pago_Pago Pacific/Apia America/Los_Angeles`.split(/\s+/);
const FROM = dayOf('2024-01-01') * DAY_MS;
const TO = dayOf('2033-01-01') * DAY_MS;
const PLANS: Plan[] = [
  { name: 'small', quota: 3 },
  { name: 'middle', quota: 10 },
  { name: 'large', quota: 40 },
  { name: 'endless', quota: null },
];
/** Some that clocks skip or show twice. */
const HOURS = ['00:00', '06:00', '02:30', '00:30', '23:45', '12:00'];
const MINUTE_MS = 60_000;

type Step =
  | { do: 'charge'; cost: number }
  | { do: 'pass'; minutes: number }
  | { do: 'midnight'; offMs: number }
  | { do: 'clock back'; minutes: number }
  | { do: 'zone' | 'tier'; pick: number }
  | { do: 'override'; quota: number; minutes: number }
  | { do: 'hour' | 'hour of a plan'; pick: number }
  | { do: 'close out' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('charge' as const), cost: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pass' as const), minutes: fc.integer({ min: 1, max: 3_000 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('midnight' as const), offMs: fc.constantFrom(-1, 0, 1, -3_600_000, 3_600_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clock back' as const), minutes: fc.integer({ min: 1, max: 3_000 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('zone' as const, 'tier' as const), pick: fc.nat({ max: 1_000 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('override' as const), quota: fc.nat({ max: 20 }), minutes: fc.integer({ min: 1, max: 2_000 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('hour' as const, 'hour of a plan' as const), pick: fc.nat({ max: 1_000 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('close out' as const) }) },
);

describe('sequences of charges, midnights and changes', () => {
  let service: ClockedService;
  let admin: TestUser;
  let zones: LocalDays[];
  const hours: Hours = { setting: '00:00', plans: new Map() };
  beforeAll(async () => {
    service = await startClockedService();
    admin = await makeAdmin(service);
    const known = ZONES.map((zone) => new LocalDays(zone, FROM - 5 * DAY_MS, TO + 30 * DAY_MS));
    const agreed = await Promise.all(known.map((zone) => serverAgrees(service, zone, TO)));
    zones = known.filter((_, i) => agreed[i]);
    for (const { name, quota } of PLANS) {
      await service
        .as(admin)
        .post('/v1/tiers')
        .send({ name, dailyQuota: quota, unlimited: quota === null })
        .expect(201);
    }
  }, 60_000);
  afterAll(() => service.close());

  async function begin(zone: LocalDays, plan: Plan, now: number): Promise<{ user: TestUser; model: QuotaModel }> {
    await setHours('00:00', new Map());
    const user = await makeUser(service, { timeZone: zone.zone });
    const model = new QuotaModel(zone.dayAt(now), zone, zone, plan, hours);
    await service.sql(
      `UPDATE users SET quota_reset_date = $2, quota_reset_zone = time_zone, subscription_tier = $3, api_quota_custom = false, api_quota_daily = coalesce($4, 0),
         api_quota_unlimited = $4::integer IS NULL WHERE id = $1`,
      [user.id, dateOf(model.day), plan.name, plan.quota],
    );
    return { user, model };
  }

  /** As the operator does it, for the setting and for each plan. */
  async function setHours(setting: string, plans: Map<string, string>): Promise<void> {
    if (setting !== hours.setting) await writeSetting(service, admin, 'quota.dayStartsAt', setting);
    for (const { name } of PLANS) {
      const own = plans.get(name) ?? null;
      if (own !== (hours.plans.get(name) ?? null)) await service.as(admin).patch(`/v1/tiers/${name}`).send({ dayStartsAt: own }).expect(200);
    }
    Object.assign(hours, { setting, plans });
  }

  async function charge(user: TestUser, cost: number): Promise<number> {
    const { status } = await service.as(admin).post('/v1/requests').send({ type: 'search', userId: user.id, cost });
    return status;
  }

  async function perform(step: Step, now: number, user: TestUser, model: QuotaModel): Promise<number> {
    const path = `/v1/users/${user.id}`;
    switch (step.do) {
      case 'charge':
        expect(await charge(user, step.cost)).toBe(model.charge(now, step.cost) ? 201 : 429);
        return now;
      case 'pass':
        return now + step.minutes * MINUTE_MS;
      case 'midnight':
        return model.at(now).end + step.offMs;
      case 'clock back':
        return now - step.minutes * MINUTE_MS;
      case 'zone': {
        const zone = zones[step.pick % zones.length];
        await service.as(admin).patch(path).send({ timeZone: zone.zone }).expect(200);
        model.open(now);
        model.place = zone;
        return now;
      }
      case 'tier': {
        const plan = PLANS[step.pick % PLANS.length];
        await service.as(admin).patch(path).send({ tier: plan.name }).expect(200);
        model.assign(now, plan);
        return now;
      }
      case 'override': {
        const expiresAt = now + step.minutes * MINUTE_MS;
        const body = { dailyQuota: step.quota, expiresAt: new Date(expiresAt), reason: 'trial' };
        await service.as(admin).put(`${path}/quota/override`).send(body).expect(200);
        model.open(now);
        model.override = { quota: step.quota, expiresAt };
        return now;
      }
      case 'hour':
        await setHours(HOURS[step.pick % HOURS.length], hours.plans);
        return now;
      case 'hour of a plan': {
        const plan = PLANS[step.pick % PLANS.length].name;
        const own = [...HOURS, null][(step.pick >> 2) % (HOURS.length + 1)];
        const others = [...hours.plans].filter(([name]) => name !== plan);
        await setHours(hours.setting, new Map(own === null ? others : [...others, [plan, own]]));
        return now;
      }
      case 'close out':
        await service.sql('SELECT quota_close_out(ARRAY[$1::integer])', [user.id]);
        model.open(now);
        return now;
    }
  }

  it('state after each step what the rules state, whatever the zones, the clock and the plans do', async () => {
    const start = fc.record({ at: fc.integer({ min: FROM + DAY_MS, max: TO - 90 * DAY_MS }), zone: fc.nat(), plan: fc.nat({ max: PLANS.length - 1 }) });
    await fc.assert(
      fc.asyncProperty(start, fc.array(step, { minLength: 5, maxLength: 30 }), async ({ at, zone, plan }, steps) => {
        let now = at;
        await service.setClock(now);
        const { user, model } = await begin(zones[zone % zones.length], PLANS[plan], now);
        for (const step of steps) {
          now = await perform(step, now, user, model);
          await service.setClock(now);
          const { body } = await service.as(admin).get(`/v1/users/${user.id}/quota`).expect(200);
          expect({ step, ...body }).toMatchObject({ step, ...model.answer(now) });
          const { body: usage } = await service.as(admin).get(`/v1/users/${user.id}/usage`).expect(200);
          expect(usage.items.at(-1)).toMatchObject(model.today(now));
        }
        await assertBooks(user, model);
      }),
      { numRuns: Number(process.env.FC_RUNS ?? 25) },
    );
  }, 600_000);

  /** Counter and ledger agree, for the present period and, with the history, for all of them. */
  async function assertBooks(user: TestUser, model: QuotaModel): Promise<void> {
    const [books] = await service.sql(
      `SELECT u.quota_reset_date::text AS day, u.api_quota_used_today AS used,
         (SELECT coalesce(sum(cost), 0)::integer FROM requests r
          WHERE r.user_id = u.id AND r.charged_on = u.quota_reset_date AND r.charged_fold = u.quota_reset_fold) AS ledger,
         (SELECT coalesce(sum(cost), 0)::integer FROM requests r WHERE r.user_id = u.id) AS "everCharged",
         u.api_quota_used_today + (SELECT coalesce(sum(h.used), 0)::integer FROM quota_usage h WHERE h.user_id = u.id) AS "everCounted"
       FROM users u WHERE u.id = $1`,
      [user.id],
    );
    expect(books).toMatchObject({ day: dateOf(model.day), used: model.used, ledger: model.used });
    expect(books?.everCounted).toBe(books?.everCharged);
  }

  it('give a hopper between zones no more periods than a day each', async () => {
    const hops = fc.array(fc.record({ zone: fc.nat(), minutes: fc.integer({ min: 1, max: 1_500 }), back: fc.boolean() }), { minLength: 5, maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: FROM + DAY_MS, max: TO - 90 * DAY_MS }), hops, async (at, moves) => {
        let [now, latest] = [at, at];
        await service.setClock(now);
        const { user } = await begin(zones[0], PLANS[0], now);
        const starts = new Set<number>();
        let charged = 0;
        for (const { zone, minutes, back } of moves) {
          while ((await charge(user, 1)) === 201) charged++;
          const { body } = await service.as(admin).get(`/v1/users/${user.id}/quota`).expect(200);
          starts.add(Date.parse(body.periodStart));
          await service
            .as(admin)
            .patch(`/v1/users/${user.id}`)
            .send({ timeZone: zones[zone % zones.length].zone })
            .expect(200);
          now += (back ? -1 : 1) * minutes * MINUTE_MS;
          latest = Math.max(latest, now);
          await service.setClock(now);
        }
        const ordered = [...starts].sort((a, b) => a - b);
        // Only a day of a clock change is shorter than 24 hours, and only for who stays in its zone: 22 hours at the least.
        ordered.slice(1).forEach((start, i) => expect(start - ordered[i]).toBeGreaterThanOrEqual(22 * 3_600_000));
        expect(charged).toBeLessThanOrEqual(3 * starts.size);
        expect(starts.size).toBeLessThanOrEqual(Math.floor((latest - ordered[0]) / (22 * 3_600_000)) + 1);
      }),
      { numRuns: Number(process.env.FC_RUNS ?? 10) },
    );
  }, 600_000);
});
