import fc from 'fast-check';
import { DataSource } from 'typeorm';
import { AdmissionRepository } from '../../src/ledger/admission.repository';
import { type PendingCharge } from '../../src/ledger/charge-queue';
import { type Decision } from '../../src/ledger/decision';
import { makeUser } from '../support/factories';
import { type Service, startService } from '../support/service';

const THRESHOLDS = [0.8, 0.5, 1];
const RETENTION_HOURS = 24;

/** What an account is like beside its quota; each is SQL that sets columns of `users`. */
const KINDS = {
  plain: '',
  'on a day that is over': `quota_reset_date = quota_reset_date - 1`,
  'with a day that is not pinned': `quota_reset_zone = NULL`,
  'that moved': `time_zone = 'Pacific/Auckland'`,
  suspended: `status = 'suspended'`,
  'with an override': `quota_override_daily = 3, quota_override_expires_at = now() + interval '1 hour', quota_override_reason = 'test'`,
  'with an override that is over': `quota_override_daily = 3, quota_override_expires_at = now() - interval '1 hour', quota_override_reason = 'test'`,
  unlimited: `api_quota_unlimited = true`,
  'unlimited and nearly at the counter’s end': `api_quota_unlimited = true, api_quota_used_today = 2147483640`,
  'that waits for a tier': `next_subscription_tier = 'free', next_quota_daily = 2, api_quota_custom = false`,
  'with the largest quota': `api_quota_daily = 2147483647`,
} as const;

/** The general statement with and without what these accounts do not need. */
const NO_PARTS = { forms: false, limits: false };
const PARTS = [NO_PARTS, { forms: true, limits: false }, { forms: true, limits: true }];

interface AccountState {
  kind: keyof typeof KINDS;
  quota: number;
  used: number;
}

const account: fc.Arbitrary<AccountState> = fc.record({
  kind: fc.constantFrom('plain', 'plain', 'plain', ...(Object.keys(KINDS) as (keyof typeof KINDS)[])),
  quota: fc.constantFrom(0, 1, 5, 10, 30, 1_000),
  used: fc.constantFrom(0, 0, 1, 4, 5),
});
const asked = fc.record({
  user: fc.nat(3),
  cost: fc.constantFrom(1, 1, 1, 2, 5, 2_147_483_647),
  type: fc.constantFrom('search', 'render.large'),
  status: fc.constantFrom('pending' as const, 'succeeded' as const),
  payload: fc.constantFrom({}, { 'a"b': ['\\', 'ü', null] }, { n: 1 }),
});

describe('the plain statement and the general one', () => {
  let service: Service;
  let repository: AdmissionRepository;
  beforeAll(async () => {
    service = await startService();
    repository = service.app.get(AdmissionRepository);
    await service.sql(`INSERT INTO event_listeners (user_id, type, source) VALUES (0, '*', 'test')`);
  });
  afterAll(() => service.close());

  async function makeAccounts(accounts: AccountState[]): Promise<number[]> {
    const ids: number[] = [];
    for (const { kind, quota, used } of accounts) {
      const { id } = await makeUser(service, { dailyQuota: quota });
      const counted = Math.min(used, quota);
      await service.sql(`UPDATE users SET quota_reset_zone = 'Etc/UTC', api_quota_used_today = $2, api_quota_requests_today = $2 WHERE id = $1`, [id, counted]);
      if (KINDS[kind] !== '') await service.sql(`UPDATE users SET ${KINDS[kind]} WHERE id = $1`, [id]);
      ids.push(id);
    }
    return ids;
  }

  const general = (pending: PendingCharge[]) => repository.charge(pending, RETENTION_HOURS, THRESHOLDS);
  const plainFirst = async (pending: PendingCharge[]) => {
    const decisions = await repository.chargePlain(pending, THRESHOLDS);
    const left = pending.filter((_, i) => decisions[i]?.outcome === 'left-out');
    const decided = left.length > 0 ? await untilDecided(left, general) : [];
    return decisions.map((decision) => (decision.outcome === 'left-out' ? (decided.shift() as Decision) : decision));
  };

  /** As admission does: what is deferred goes again. */
  async function untilDecided(pending: PendingCharge[], decide: (pending: PendingCharge[]) => Promise<Decision[]>): Promise<Decision[]> {
    const decisions = await decide(pending);
    const deferred = pending.filter((_, i) => decisions[i]?.outcome === 'deferred');
    const later = deferred.length > 0 ? await untilDecided(deferred, general) : [];
    return decisions.map((decision) => (decision.outcome === 'deferred' ? (later.shift() as Decision) : decision));
  }

  const books = async (ids: number[]) => {
    const users = await service.sql(
      `SELECT api_quota_used_today, api_quota_refunded_today, api_quota_requests_today, quota_reset_date, quota_reset_zone, quota_reset_fold,
         subscription_tier, next_subscription_tier, api_quota_daily, api_quota_unlimited FROM users WHERE id = ANY ($1) ORDER BY id`,
      [ids],
    );
    const requests = await service.sql(
      `SELECT array_position($1, user_id) AS owner, api_key_id, type, status, cost, charged_on, charged_fold, limit_at_charge, used_at_charge, payload,
         attempt, held, started_at IS NULL AS unstarted, finished_at IS NULL AS unfinished, started_at = created_at AS at_once
       FROM requests WHERE user_id = ANY ($1) ORDER BY id`,
      [ids],
    );
    const archive = await service.sql(
      `SELECT array_position($1, user_id) AS owner, date, quota, used, refunded, requests FROM quota_usage WHERE user_id = ANY ($1) ORDER BY 1, 2`,
      [ids],
    );
    const crossed = await service.sql(
      `SELECT array_position($1, user_id) AS owner, date, fold, threshold, used, quota FROM quota_events WHERE user_id = ANY ($1) ORDER BY 1, 2, 3, 4`,
      [ids],
    );
    // Of the requests' own ids nothing is alike; what an event shows of one is compared without it.
    const events = await service.sql(
      `SELECT array_position($1, user_id) AS owner, type, data - 'id' - 'createdAt' - 'startedAt' - 'finishedAt' AS data FROM events WHERE user_id = ANY ($1) ORDER BY 1, 2, 3`,
      [ids],
    );
    return { events, users, requests: requests.sort((a, b) => Number(a.owner) - Number(b.owner)), archive, crossed };
  };

  it('decide alike and leave the same tables, whatever accounts a batch charges', async () => {
    let plainly = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(account, { minLength: 4, maxLength: 4 }),
        fc.array(asked, { minLength: 1, maxLength: 14 }),
        fc.constantFrom(...PARTS),
        async (accounts, batch, parts) => {
          const sides = [await makeAccounts(accounts), await makeAccounts(accounts)] as const;
          const pendingOf = (ids: readonly number[], { forms, limits } = NO_PARTS): PendingCharge[] =>
            batch.map(({ user, cost, type, status, payload }) => ({
              charge: { userId: ids[user], keyId: 7, keyCap: 'none', type, status, cost, payloadJson: JSON.stringify(payload), idempotency: null },
              plain: true,
              forms,
              limits,
              peek: false,
              doubted: false,
            }));
          const one = await plainFirst(pendingOf(sides[0]));
          const other = await untilDecided(pendingOf(sides[1], parts), general);
          const shown = ({ outcome, used, account: found }: Decision) => ({ outcome, used, ...found, now: 0, forms: null, shadow: null });
          expect(one.map(shown)).toEqual(other.map(shown));
          expect(await books(sides[0])).toEqual(await books(sides[1]));
          plainly += one.filter(({ outcome }) => outcome === 'admitted').length;
          const admitted = one.flatMap(({ outcome, id }) => (outcome === 'admitted' ? [id as string] : []));
          const rows = await service.sql<{ id: string }>('SELECT id FROM requests WHERE id = ANY ($1)', [admitted]);
          expect(rows).toHaveLength(admitted.length);
        },
      ),
      { numRuns: 60 },
    );
    expect(plainly).toBeGreaterThan(50);
  }, 600_000);

  it('give ids in the order of arrival', async () => {
    const ids = await makeAccounts([0, 1, 2].map(() => ({ kind: 'plain', quota: 1_000, used: 0 }) as const));
    const batch = Array.from({ length: 60 }, (_, i): PendingCharge => ({
      charge: {
        userId: ids[(i * 7) % 3],
        keyId: null,
        keyCap: 'none',
        type: 'search',
        status: 'pending',
        cost: 1,
        payloadJson: '{}',
        idempotency: null,
      },
      plain: true,
      forms: false,
      limits: false,
      peek: false,
      doubted: false,
    }));
    const made = (await repository.chargePlain(batch, THRESHOLDS)).map(({ id }) => id);
    expect(made).toEqual(made.toSorted());
    const rows = await service.sql<{ id: string }>('SELECT id FROM requests WHERE user_id = ANY ($1) ORDER BY id', [ids]);
    expect(rows.map(({ id }) => id)).toEqual(made);
  });

  it('know of every plan that has more than a daily quota, by whichever of its columns', async () => {
    const tier = (columns: string) => `UPDATE subscription_tiers SET ${columns} WHERE name = 'free'`;
    const setting = (hour: string) =>
      `INSERT INTO system_configurations (key, value) VALUES ('quota.dayStartsAt', '"${hour}"') ON CONFLICT (key) DO UPDATE SET value = excluded.value`;
    const states = {
      'nothing more': 'SELECT',
      'a version to be copied': tier('version = copied_version + 1'),
      'an hour': tier(`day_starts_at = '06:00'`),
      'an hour that is midnight': tier(`day_starts_at = '00:00'`),
      overage: tier(`overage = '{"max": 5}'`),
      rollover: tier(`rollover = '{"days": 2}'`),
      shadow: tier('shadow = true'),
      'another name': tier(`alias_of = (SELECT id FROM subscription_tiers WHERE name = 'pro')`),
      'an hour for all': setting('06:00'),
      'midnight for all': setting('00:00'),
    };
    const runner = service.app.get(DataSource).createQueryRunner();
    try {
      for (const [name, change] of Object.entries(states)) {
        await runner.startTransaction();
        await runner.query(change);
        const [found] = (await runner.query('SELECT quota_plans() AS quickly, quota_plans_in_full() AS fully')) as unknown as {
          quickly: unknown;
          fully: unknown;
        }[];
        await runner.rollbackTransaction();
        expect([name, found?.quickly]).toEqual([name, found?.fully]);
        expect([name, found?.fully === null]).toEqual([name, ['nothing more', 'midnight for all'].includes(name)]);
      }
    } finally {
      await runner.release();
    }
  });
});
