import fc from 'fast-check';
import { type ClockedService, startClockedService } from '../support/clocked-service';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';

const NOON = Date.parse('2027-03-28T12:00:00Z');
const HOUR_MS = 3_600_000;
const ZONES = ['Etc/UTC', 'Europe/Berlin', 'Pacific/Kiritimati', 'Pacific/Pago_Pago', 'Asia/Kathmandu', 'Africa/Cairo'];
const SHARES = [0, 0.5, 0.8, 1];

const quota = fc.nat({ max: 20 });
const state = fc.record({
  zone: fc.option(fc.constantFrom(...ZONES)),
  periodZone: fc.option(fc.constantFrom(...ZONES)),
  daysAgo: fc.integer({ min: -1, max: 3 }),
  fold: fc.constantFrom(0, 1),
  used: fc.nat({ max: 25 }),
  quota,
  unlimited: fc.boolean(),
  custom: fc.boolean(),
  next: fc.option(fc.record({ quota, unlimited: fc.boolean() })),
  override: fc.option(fc.record({ quota: fc.option(quota), endsInHours: fc.integer({ min: -30, max: 30 }) })),
  systemZone: fc.constantFrom(null, 'Asia/Kathmandu', 'Pacific/Pago_Pago'),
  atHours: fc.integer({ min: 0, max: 48 }),
});
type State = typeof state extends fc.Arbitrary<infer T> ? T : never;

interface Seen {
  limit: number | null;
  used: number;
}

interface Viewed extends Seen {
  day: string;
  fold: number;
  zone: string;
}

describe('every reader of a quota', () => {
  let service: ClockedService;
  let admin: TestUser;
  let user: TestUser;
  beforeAll(async () => {
    service = await startClockedService();
    admin = await makeAdmin(service);
    user = await makeUser(service);
  });
  afterAll(() => service.close());

  async function put(s: State): Promise<void> {
    await service.setClock(NOON + s.atHours * HOUR_MS);
    await service.sql(`DELETE FROM system_configurations WHERE key = 'quota.timeZone'`);
    if (s.systemZone) await service.sql(`INSERT INTO system_configurations (key, value) VALUES ('quota.timeZone', to_jsonb($1::text))`, [s.systemZone]);
    await service.sql('DELETE FROM requests WHERE user_id = $1', [user.id]);
    await service.sql('DELETE FROM quota_usage WHERE user_id = $1', [user.id]);
    const { override, next } = s;
    await service.sql(
      `UPDATE users SET time_zone = $2::text, quota_reset_zone = $3::text, quota_reset_fold = $4, api_quota_used_today = $5, api_quota_requests_today = $5,
         quota_reset_date = (now() AT TIME ZONE coalesce($3::text, $2::text, quota_default_zone()))::date - $6::integer,
         api_quota_daily = $7, api_quota_unlimited = $8, api_quota_custom = $9,
         next_subscription_tier = $10, next_quota_daily = $11, next_quota_unlimited = $12,
         quota_override_daily = $13, quota_override_unlimited = $14, quota_override_expires_at = $15, quota_override_reason = 'trial'
       WHERE id = $1`,
      [
        user.id,
        s.zone,
        s.periodZone,
        s.fold,
        s.used,
        s.daysAgo,
        s.quota,
        s.unlimited,
        s.custom,
        next && 'pro',
        next && !next.unlimited ? next.quota : null,
        next?.unlimited ?? false,
        override?.quota ?? null,
        override !== null && override.quota === null,
        override && new Date(NOON + (s.atHours + override.endsInHours) * HOUR_MS),
      ],
    );
  }

  const view = async (): Promise<Viewed> => {
    const [row] = await service.sql<Viewed>(
      `SELECT CASE WHEN NOT unlimited THEN quota END AS "limit", used, day::text, fold, zone FROM quota_now WHERE user_id = $1`,
      [user.id],
    );
    return row;
  };
  const endpoint = async () => await service.as(user).get('/v1/users/me/quota').expect(200);
  const today = async () => (await service.as(user).get('/v1/users/me/usage').expect(200)).body.items.at(-1);
  const isNear = async (share: number) => {
    const { body } = await service.as(admin).get(`/v1/users?quotaUsedAtLeast=${share}&limit=100`).expect(200);
    return body.items.some(({ id }: { id: number }) => id === user.id);
  };
  const fields = ({ headers }: { headers: Record<string, string> }): { limit: number | null; left?: number } => {
    const limit = /"daily";q=(\d+)/.exec(headers['ratelimit-policy'] ?? '');
    const left = /"daily";r=(\d+)/.exec(headers.ratelimit ?? '');
    return limit === null ? { limit: null } : { limit: Number(limit[1]), left: Number(left?.[1]) };
  };
  const asFields = ({ limit, used }: Seen) => (limit === null ? { limit } : { limit, left: Math.max(0, limit - used) });

  async function assertAgreement(s: State): Promise<Seen> {
    const truth = await view();
    const { limit, used } = truth;
    const read = await endpoint();
    expect({ s, ...read.body }).toMatchObject({
      s,
      limit,
      used,
      unlimited: limit === null,
      remaining: limit === null ? null : Math.max(0, limit - used),
      timeZone: truth.zone,
    });
    expect(fields(read)).toEqual(asFields(truth));
    const item = await today();
    // A second period of one name, westward over the date line, adds to what its day already holds, and the day shows the larger quota of the two.
    const second = truth.fold !== 0;
    const shown = { limit: second ? limit : item.limit, used: second ? Math.min(item.used, used) : item.used };
    expect({ s, date: item.date, ...shown }).toEqual({ s, date: truth.day, limit, used });
    for (const share of SHARES) expect({ s, share, near: await isNear(share) }).toEqual({ s, share, near: limit !== null && used >= share * limit });
    return truth;
  }

  it('shows the same before and after a charge, and the charge by the same numbers, in random states', async () => {
    await fc.assert(
      fc.asyncProperty(state, async (s) => {
        await put(s);
        const { limit, used } = await assertAgreement(s);
        const answer = await service.as(user).post('/v1/requests').send({ type: 'search' });
        const fits = limit === null || used + 1 <= limit;
        expect({ s, status: answer.status }).toEqual({ s, status: fits ? 201 : 429 });
        const after = { limit, used: fits ? used + 1 : used };
        expect(fields(answer)).toEqual(asFields(after));
        if (!fits) expect(answer.body).toMatchObject({ limit, used, remaining: Math.max(0, limit - used), requested: 1 });
        expect(await assertAgreement(s)).toMatchObject(after);
      }),
      { numRuns: Number(process.env.FC_RUNS ?? 60) },
    );
  }, 600_000);
});
