import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';

interface Listed {
  items: { id: number; email: string; tier: string }[];
  nextCursor: string | null;
}

describe('the list of users', () => {
  let service: Service;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startService();
    admin = await makeAdmin(service);
    await service.sql(`INSERT INTO users (email, password_hash) SELECT 'many-' || n || '@example.com', '' FROM generate_series(1, 120) n`);
    await service.sql(`UPDATE users SET subscription_tier = 'pro' WHERE email LIKE 'many-1_@example.com'`);
    await service.sql(`UPDATE users SET status = 'suspended' WHERE email LIKE 'many-2_@example.com'`);
  });
  afterAll(() => service.close());

  const list = async (query: string) => (await service.as(admin).get(`/v1/users?${query}`).expect(200)).body as Listed;

  it('comes in pages of 20 that cover each user once, by id', async () => {
    const seen: number[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: Listed = await list(cursor === '' ? '' : `cursor=${cursor}`);
      expect(page.items.length).toBeLessThanOrEqual(20);
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
      if (cursor !== null) expect(cursor).toMatch(/^[\w-]+$/);
    }
    expect(seen).toHaveLength(121);
    expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
  });

  it('takes a limit above 100 as 100', async () => {
    expect((await list('limit=1000')).items).toHaveLength(100);
    expect((await list('limit=100')).items).toHaveLength(100);
    expect((await list('limit=1')).items).toHaveLength(1);
    for (const limit of ['999999999', '2147483648', '9999999999999']) expect((await list(`limit=${limit}`)).items).toHaveLength(100);
  });

  it.each(['0', '-1', '1.5', '1e1', '0x10', 'ten', '', ' 5', '5&limit=6', 'null', '%00'])('refuses the limit %j', async (limit) => {
    const { body } = await service.as(admin).get(`/v1/users?limit=${limit}`).expect(400);
    expect(body).toMatchObject({ code: 'validation-failed', errors: [{ pointer: '#/query/limit' }] });
  });

  it('ends at a page that is just full', async () => {
    const { items, nextCursor } = await list('tier=pro&limit=10');
    expect([items.length, nextCursor]).toEqual([10, null]);
  });

  it.each(['constructor', '__proto__', 'prototype', 'toString', 'hasOwnProperty', 'then', 'length'])(
    'finds metadata whose member is named %s',
    async (name) => {
      await service.sql(
        `INSERT INTO user_attributes (user_id, metadata) SELECT id, jsonb_build_object($1::text, 'x') FROM users WHERE email = 'many-9@example.com'
       ON CONFLICT (user_id) DO UPDATE SET metadata = excluded.metadata`,
        [name],
      );
      expect((await list(`metadata[${name}]=x`)).items.map(({ email }) => email)).toEqual(['many-9@example.com']);
      expect((await list(`metadata[${name}]=y`)).items).toEqual([]);
    },
  );

  it('filters by tier, status and address in any case', async () => {
    expect((await list('tier=pro')).items.every(({ tier }) => tier === 'pro')).toBe(true);
    expect((await list('status=suspended&limit=100')).items).toHaveLength(10);
    expect((await list('email=MANY-7@example.com')).items.map(({ email }) => email)).toEqual(['many-7@example.com']);
    expect((await list('tier=pro&status=suspended')).items).toEqual([]);
    expect((await list('tier=none')).items).toEqual([]);
  });

  it('keeps to the filters from page to page, and refuses the cursor with others', async () => {
    const first = await list('status=suspended&limit=6');
    const second = await list(`limit=6&cursor=${first.nextCursor}&status=suspended`);
    expect([first.items.length, second.items.length, second.nextCursor]).toEqual([6, 4, null]);
    for (const query of ['', 'status=active', 'status=suspended&tier=pro']) {
      const { body } = await service.as(admin).get(`/v1/users?${query}&cursor=${first.nextCursor}`).expect(400);
      expect(body.code).toBe('invalid-cursor');
    }
  });

  it.each(['x', '', 'AAAAAAAAAAAAMQ', '%00', `${'A'.repeat(500)}`, '1', "'; DROP TABLE users; --"])('refuses the cursor %j', async (cursor) => {
    const { body } = await service
      .as(admin)
      .get(`/v1/users?cursor=${encodeURIComponent(cursor)}`)
      .expect(400);
    expect(['invalid-cursor', 'validation-failed']).toContain(body.code);
  });

  it('refuses a cursor with one bit flipped, and never answers 500', async () => {
    const { nextCursor } = await list('limit=5');
    for (let i = 0; i < nextCursor!.length; i++) {
      const flipped = nextCursor!.slice(0, i) + String.fromCharCode(nextCursor!.charCodeAt(i) ^ 1) + nextCursor!.slice(i + 1);
      await service
        .as(admin)
        .get(`/v1/users?cursor=${encodeURIComponent(flipped)}`)
        .expect(400);
    }
  });

  it.each(['status=gone', 'sort=email', 'tier=a&tier=b', 'limit[]=5', 'email=%00', 'tier=a%00b', '__proto__=1', 'constructor=1', 'quotaUsedAtLeast=lots'])(
    'refuses ?%s',
    async (query) => {
      const { body } = await service.as(admin).get(`/v1/users?${query}`).expect(400);
      expect(body.code).toBe('validation-failed');
    },
  );

  it('finds those who used a share of their quota, by the projection of now', async () => {
    const at = (used: number, more = {}) =>
      makeUser(service, { dailyQuota: 10, ...more }).then(async (user) => {
        await service.sql('UPDATE users SET api_quota_used_today = $2 WHERE id = $1', [user.id, used]);
        return user;
      });
    const half = await at(5);
    const more = await at(8);
    const all = await at(10);
    const unlimited = await at(10, { unlimited: true });
    const yesterday = await at(10);
    await service.sql('UPDATE users SET quota_reset_date = quota_reset_date - 1 WHERE id = $1', [yesterday.id]);
    const found = async (share: string) => (await list(`quotaUsedAtLeast=${share}&limit=100`)).items.map(({ id }) => id);
    expect(await found('0.8')).toEqual([more.id, all.id]);
    expect(await found('1')).toEqual([all.id]);
    expect(await found('0.5')).toEqual([half.id, more.id, all.id]);
    expect(await found('0.5')).not.toContain(unlimited.id);
    await service.sql(
      `UPDATE users SET quota_override_daily = 5, quota_override_expires_at = now() + interval '1 hour', quota_override_reason = 'x' WHERE id = $1`,
      [half.id],
    );
    expect(await found('1')).toEqual([half.id, all.id]);
  });
});
