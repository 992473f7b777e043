import fc from 'fast-check';
import { hashKey, makeKey, shownPrefix } from '../../src/api-keys/key-format';
import { SCOPES } from '../../src/common/principal';
import { makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';

const USERS = 3;
const KEYS = 5;

/** Who pays whose charge: key `by` belongs to user `by % USERS` and may charge any of them. */
const charge = fc.record({
  user: fc.nat({ max: USERS - 1 }),
  by: fc.nat({ max: KEYS - 1 }),
  cost: fc.integer({ min: 1, max: 8 }),
  retryKey: fc.option(fc.nat({ max: 9 }), { freq: 3 }),
});
const scene = fc.record({
  quotas: fc.array(fc.option(fc.integer({ min: 0, max: 80 }), { freq: 8 }), { minLength: USERS, maxLength: USERS }),
  caps: fc.array(fc.option(fc.integer({ min: 0, max: 40 })), { minLength: KEYS, maxLength: KEYS }),
  charges: fc.array(charge, { minLength: 20, maxLength: 120 }),
});
type Sent = { user: TestUser; key: { id: number }; cost: number; retry: string | null; status: number; body: Answer };

interface Answer {
  id: string;
  limit: number;
  used: number;
  requested: number;
  'violated-policies': string[];
}

describe('charges that are sent at once to two replicas', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
  });
  afterAll(() => service.close());

  async function addKey({ id }: TestUser, dailyCap: number | null): Promise<{ id: number; key: string }> {
    const key = makeKey();
    const [row] = await service.sql<{ id: number }>(
      `INSERT INTO api_keys (user_id, name, prefix, key_hash, scopes, daily_cap) VALUES ($1, 'test', $2, $3, $4, $5) RETURNING id`,
      [id, shownPrefix(key), hashKey(key), SCOPES, dailyCap],
    );
    return { id: row.id, key };
  }

  async function send(
    users: TestUser[],
    keys: { id: number; key: string }[],
    charges: (typeof charge extends fc.Arbitrary<infer C> ? C : never)[],
  ): Promise<Sent[]> {
    return Promise.all(
      charges.map(async ({ user: u, by, cost, retryKey }, i) => {
        const user = users[u];
        const key = keys[by];
        // The same key always comes with the same body.
        const fixed = retryKey === null ? cost : (retryKey % 4) + 1;
        const retry = retryKey === null ? null : `retry-${retryKey}`;
        const call = service.replicas[i % 2].as(key).post('/v1/requests');
        if (retry) void call.set('idempotency-key', retry);
        const { status, body } = await call.send({ type: 'search', userId: user.id, cost: fixed });
        return { user, key, cost: fixed, retry, status, body: body as Answer };
      }),
    );
  }

  it('are admitted as in one order for each user: nothing beyond a limit, nothing refused that fitted, no retry twice', async () => {
    await fc.assert(
      fc.asyncProperty(scene, async ({ quotas, caps, charges }) => {
        const users = await Promise.all(quotas.map((quota) => makeUser(service, quota === null ? { unlimited: true } : { dailyQuota: quota })));
        const keys = await Promise.all(caps.map((cap, i) => addKey(users[i % USERS], cap)));
        const sent = await send(users, keys, charges);
        expect(sent.filter(({ status }) => status !== 201 && status !== 429)).toEqual([]);
        for (const [i, user] of users.entries())
          await assertOneOrder(
            user,
            quotas[i] ?? null,
            sent.filter((one) => one.user === user),
          );
        for (const [i, key] of keys.entries())
          await assertCap(
            key,
            caps[i] ?? null,
            sent.filter((one) => one.key === key),
          );
      }),
      { numRuns: Number(process.env.FC_RUNS ?? 15) },
    );
  }, 600_000);

  /** The counter after each charge, as the ledger has it, is a chain without a gap or a fork; refusals saw a link of it. */
  async function assertOneOrder(user: TestUser, quota: number | null, sent: Sent[]): Promise<void> {
    const ledger = await service.sql<{ id: string; cost: number; after: number }>(
      'SELECT id, cost, used_at_charge AS after FROM requests WHERE user_id = $1 ORDER BY used_at_charge',
      [user.id],
    );
    const links = [0];
    for (const { cost, after } of ledger) {
      expect(after - cost).toBe(links.at(-1));
      links.push(after);
    }
    const total = links.at(-1) as number;
    const [{ used }] = (await service.sql('SELECT api_quota_used_today AS used FROM users WHERE id = $1', [user.id])) as [{ used: number }];
    expect(used).toBe(total);
    if (quota !== null) expect(total).toBeLessThanOrEqual(quota);
    const admitted = sent.filter(({ status }) => status === 201);
    expect(new Set(admitted.map(({ body }) => body.id))).toEqual(new Set(ledger.map(({ id }) => id)));
    for (const retry of new Set(admitted.flatMap((one) => one.retry ?? []))) {
      expect(new Set(admitted.filter((one) => one.retry === retry).map(({ body }) => body.id)).size).toBe(1);
    }
    expect(admitted.filter(({ retry }) => retry === null).length).toBe(new Set(admitted.flatMap((one) => (one.retry === null ? one.body.id : []))).size);
    for (const { status, cost, body } of sent) {
      if (status !== 429 || body['violated-policies'][0] !== 'daily') continue;
      expect(body).toMatchObject({ limit: quota, requested: cost });
      expect(links).toContain(body.used);
      expect(cost).toBeGreaterThan(body.limit - body.used);
    }
  }

  async function assertCap({ id }: { id: number }, cap: number | null, sent: Sent[]): Promise<void> {
    const [books] = await service.sql<{ used: number; ledger: number }>(
      `SELECT cap_used_today AS used, (SELECT coalesce(sum(cost), 0)::integer FROM requests WHERE api_key_id = $1) AS ledger FROM api_keys WHERE id = $1`,
      [id],
    );
    if (cap === null) return;
    expect(books.used).toBe(books.ledger);
    expect(books.used).toBeLessThanOrEqual(cap);
    for (const { status, cost, body } of sent) {
      if (status !== 429 || body['violated-policies'][0] !== 'key') continue;
      expect(body).toMatchObject({ limit: cap, requested: cost });
      expect(body.used).toBeLessThanOrEqual(books.used);
      expect(cost).toBeGreaterThan(body.limit - body.used);
    }
  }
});
