import { randomBytes } from 'node:crypto';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { drainUntruths } from '../support/wire/hold';

/** What plain SQL writes once no constraint is in the way: values of a column, or of several. */
const BAD: Record<string, [columns: string, values: string[]][]> = {
  users: [
    ['quota_reset_zone', [`'Etc/UTC@xx'`, `'Etc/UTC@25:00'`, `'@'`]],
    ['quota_reset_fold', ['32767']],
    ['next_subscription_tier, next_quota_daily', [`'pro', NULL`]],
    ['next_subscription_tier, next_quota_daily, next_tier_from', [`'pro', 5, 'infinity'`, `'pro', 5, '-infinity'`, `'pro', 5, '5874897-12-31'`]],
    ['api_quota_used_today', ['-5']],
    ['max_in_flight', ['-5']],
    ['quota_override_expires_at, quota_override_daily', [`'infinity', NULL`]],
    ['quota_overage_today, quota_overage_date', [`2147483647, 'infinity'`]],
    ['role', [`'king'`]],
    ['subscription_tier', [`'nothing'`]],
    ['created_at', [`'infinity'`]],
  ],
  subscription_tiers: [
    ['day_starts_at', [`'xx'`, `''`]],
    ['overage', [`'"x"'`, `'{"max":"many"}'`, `'{"max":1e20}'`]],
    ['rollover', [`'"x"'`, `'{"days":"x"}'`, `'{"days":1e9}'`]],
    ['max_in_flight_by_type', [`'"x"'`, `'{"job":"many"}'`, `'{"job":1e20}'`]],
    ['limits', [`'"x"'`, `'[1]'`, `'[{"name":"a","period":"fortnight","units":5}]'`, `'[{"name":"a","period":"day","units":"many"}]'`]],
    ['burst_per_minute', ['0']],
    ['edited_at, version', [`'infinity', 2147483647`]],
    ['alias_of', ['2147483647']],
  ],
  user_quota_forms: [['overage', [`'"x"'`, `'{"max":"many"}'`]]],
  quota_grants: [
    ['units', ['-5']],
    ['expires_at', [`'infinity'`]],
  ],
  quota_limit_usage: [
    ['ends_at', [`'infinity'`]],
    ['used', ['2147483647']],
  ],
  quota_usage: [['date', [`'infinity'`]]],
  api_keys: [
    ['scopes', [`'{nothing}'`, `'{NULL}'`]],
    ['cap_reset_date, daily_cap', [`'infinity', 5`]],
    ['expires_at', [`'infinity'`]],
  ],
  requests: [
    ['limits_charged', [`'"x"'`, `'[7]'`]],
    ['drawn_units', ['2147483647']],
    ['created_at, deadline_at', [`'infinity', 'infinity'`]],
  ],
  user_attributes: [['metadata', [`'"x"'`, `'null'`]]],
  user_identities: [['tier', [`'nothing'`]]],
  user_departures: [['removal_due_at', [`'infinity'`]]],
  second_factors: [['secret, last_step', [`'"x"', 9223372036854775807`]]],
  webhook_endpoints: [
    ['url', [`'nonsense'`]],
    ['events', [`'{nothing}'`, `'{NULL}'`]],
    ['secret', [`'"x"'`]],
  ],
  events: [['data', [`'7'`]]],
};
/** A row of the victim's in tables where nobody has one yet. */
const ROW: Record<string, string> = {
  user_quota_forms: `INSERT INTO user_quota_forms (user_id) VALUES ($1)`,
  quota_grants: `INSERT INTO quota_grants (user_id, units, reason) VALUES ($1, 5, 'x')`,
  quota_limit_usage: `INSERT INTO quota_limit_usage (user_id, name, period, starts_at, ends_at, used) VALUES ($1, 'a', 'day', now(), now() + interval '1 day', 1)`,
  quota_usage: `INSERT INTO quota_usage (user_id, date, quota, used) VALUES ($1, current_date - 1, 5, 1)`,
  user_attributes: `INSERT INTO user_attributes (user_id) VALUES ($1) ON CONFLICT DO NOTHING`,
  user_identities: `INSERT INTO user_identities (issuer, subject, user_id) VALUES ('https://login.example.com', $1::text, $1::integer)`,
  user_departures: `INSERT INTO user_departures (user_id, status_before, removal_due_at) VALUES ($1, 'active', now() + interval '9 days')`,
  second_factors: `INSERT INTO second_factors (user_id, secret, confirmed_at) VALUES ($1, '{}', now())`,
  webhook_endpoints: `INSERT INTO webhook_endpoints (user_id, url, events, secret) VALUES ($1, 'https://example.com', '{*}', '{}')`,
  events: `INSERT INTO events (type, user_id, data, position, published_at) SELECT 'user.updated', $1, '{}', coalesce(max(position), 0) + 1, now() FROM events`,
};
const VICTIMS: Record<string, string> = { users: 'id = $1', subscription_tiers: 'name = (SELECT subscription_tier FROM users WHERE id = $1)' };

describe('a bad value in a column, behind the constraint that refuses it,', () => {
  let service: Service;
  let admin: TestUser;
  let neighbour: TestUser;
  beforeAll(async () => {
    service = await startService();
    const doors = await service.sql<{ text: string }>(
      `SELECT format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I CASCADE', conrelid::regclass, conname) AS text
       FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'f') AND conrelid::regclass::text = ANY ($1)`,
      [Object.keys(BAD)],
    );
    // One by one: the service reads these tables meanwhile.
    for (const { text } of doors) await service.sql(text);
    admin = await makeAdmin(service);
    neighbour = await makeUser(service, { dailyQuota: 1_000_000 });
  });
  afterAll(() => service.close());

  async function victimOf(table: string, columns: string, value: string): Promise<TestUser> {
    const tier = `plan-${randomBytes(4).toString('hex')}`;
    await service.as(admin).post('/v1/tiers').send({ name: tier, dailyQuota: 1_000 }).expect(201);
    const victim = await makeUser(service, { tier });
    await service.as(victim).post('/v1/requests').send({ type: 'job' }).expect(201);
    if (ROW[table]) await service.sql(ROW[table], [victim.id]);
    await service.sql(`UPDATE ${table} SET (${columns}) = ROW(${value}) WHERE ${VICTIMS[table] ?? 'user_id = $1'}`, [victim.id]);
    return victim;
  }

  /** What others than the victims do, and what reads the victims' rows among others'. */
  async function faultsOfOthers(): Promise<string[]> {
    const made = await service.as(neighbour).post('/v1/requests').send({ type: 'job' }).expect(201);
    const calls: [by: TestUser, method: 'get' | 'post', path: string, body?: object][] = [
      [neighbour, 'post', `requests/${made.body.id}/cancel`],
      ...['users/me', 'users/me/quota', 'users/me/usage', 'requests'].map((path): [TestUser, 'get', string] => [neighbour, 'get', path]),
      [admin, 'post', `users/${neighbour.id}/quota/reset`, { reason: 'test' }],
      ...[
        'users?limit=100',
        'users?quotaUsedAtLeast=0',
        'users?tier=pro',
        'tiers?limit=100',
        'requests',
        'events',
        'webhook-endpoints',
        'tier-changes',
        'jobs',
        'doctor',
      ].map((path): [TestUser, 'get', string] => [admin, 'get', path]),
      [admin, 'post', 'jobs/quota-reset/run'],
    ];
    const faults: string[] = [];
    for (const [by, method, path, body] of calls) {
      const answer = await service.as(by)[method](`/v1/${path}`).send(body);
      if (answer.status !== 200) faults.push(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    await service.as().get('/health/ready').expect(200);
    return faults;
  }

  /** Whatever is answered about the victim alone is no error of the service's own, and none that is called the caller's. */
  async function faultsOf(victim: TestUser): Promise<string[]> {
    const of = `/v1/users/${victim.id}`;
    const calls: [by: TestUser, method: 'get' | 'post' | 'patch', path: string, body?: object][] = [
      [victim, 'post', '/v1/requests', { type: 'job' }],
      ...['', '/quota', '/usage', '/usage/parts?from=2026-01-01', '/configurations', '/api-keys', '/quota/grants', '/export'].map(
        (path): [TestUser, 'get', string] => [admin, 'get', `${of}${path}`],
      ),
      ...['events', 'requests'].map((path): [TestUser, 'get', string] => [admin, 'get', `/v1/${path}?userId=${victim.id}`]),
      [admin, 'patch', of, { tier: 'pro' }],
      [admin, 'post', `${of}/quota/reset`, { reason: 'test' }],
    ];
    const faults: string[] = [];
    for (const [by, method, path, body] of calls) {
      const { status, body: answer } = await service.as(by)[method](path).send(body);
      if (status === 500 || (answer as { code?: string }).code === 'unstorable-value') faults.push(`${method} ${path}: ${status} ${JSON.stringify(answer)}`);
    }
    return faults;
  }

  it.each(Object.entries(BAD))('of %s, harms its own alone', async (table, columns) => {
    const victims: [what: string, TestUser][] = [];
    for (const [names, values] of columns) {
      for (const value of values) victims.push([`${names} = ${value}`, await victimOf(table, names, value)]);
    }
    const faults = await faultsOfOthers();
    for (const [what, victim] of victims) faults.push(...(await faultsOf(victim)).map((fault) => `${what}: ${fault}`));
    expect(faults).toEqual([]);
    // What is shown of a victim is what is stored, whatever the document states of it.
    drainUntruths();
    await service.sql(`UPDATE users SET status = 'deleted' WHERE id = ANY ($1)`, [victims.map(([, { id }]) => id)]);
  });
});
