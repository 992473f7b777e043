import { randomBytes } from 'node:crypto';
import { declaredSettings } from '../../src/settings/setting';
import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startReplica, startService } from '../support/service';

interface Bad {
  /** `docs/stored-values.md` lists it under this name. */
  value: string;
  what: string;
  /** Plain SQL that writes it; `$1` is the victim's id. */
  write: string;
  /** What refuses it; taken off before it is written once more, as a later release of a time zone database would. */
  door?: { table: 'users' | 'system_configurations'; trigger: string };
  /** Puts things right over HTTP. */
  repair: (admin: TestUser, victim: TestUser) => Promise<void>;
}

describe('a bad value in the database', () => {
  let service: Service;
  let admin: TestUser;
  let neighbour: TestUser;
  beforeAll(async () => {
    service = await startService();
    admin = await makeAdmin(service);
    // One of the settings that these values happen to suit asks administrators for it.
    await service.sql(`INSERT INTO second_factors (user_id, secret, confirmed_at) VALUES ($1, '{}', now())`, [admin.id]);
    neighbour = await makeUser(service, { dailyQuota: 1_000 });
  });
  afterAll(() => service.close());

  /** All that a user and an operator do, for somebody whom the value is about and for somebody else. */
  async function everythingGoesOn(victim: TestUser): Promise<void> {
    for (const user of [neighbour, victim]) {
      const as = service.as(user);
      const made = await as.post('/v1/requests').send({ type: 'job' }).expect(201);
      await as.get('/v1/users/me').expect(200);
      await as.get('/v1/users/me/quota').expect(200);
      await as.get('/v1/users/me/usage').expect(200);
      await as.get('/v1/users/me/configurations').expect(200);
      await as.post(`/v1/requests/${made.body.id}/cancel`).expect(200);
      await service.as(admin).post(`/v1/users/${user.id}/quota/reset`).send({ reason: 'test' }).expect(200);
      await service.as(admin).patch(`/v1/users/${user.id}?dryRun=true`).send({ tier: 'pro' }).expect(200);
    }
    const list = await service.as(admin).get(`/v1/users?limit=100`).expect(200);
    expect(list.body.items.map(({ id }: TestUser) => id)).toEqual(expect.arrayContaining([victim.id, neighbour.id]));
    await service.as(admin).get('/v1/users?quotaUsedAtLeast=0').expect(200);
    await service.as(admin).get('/v1/configurations').expect(200);
    await service.as(admin).get('/v1/jobs').expect(200);
    await service.as(admin).post('/v1/jobs/quota-reset/run').expect(200);
    await service.as().get('/health/ready').expect(200);
  }

  /** Also at a replica that boots while the value is there. */
  async function everythingGoesOnAndBegins(victim: TestUser): Promise<void> {
    await everythingGoesOn(victim);
    const late = await startReplica(service.databaseUrl);
    try {
      await late.as(victim).post('/v1/requests').send({ type: 'job' }).expect(201);
    } finally {
      await late.close();
    }
  }

  const patch = async (by: TestUser, id: number, body: object) => void (await service.as(by).patch(`/v1/users/${id}`).send(body).expect(200));
  const put = async (by: TestUser, key: string, value: unknown) =>
    void (await service.as(by).put(`/v1/configurations/${key}`).set('if-match', '*').send({ value }).expect(200));
  const setting = (key: string, value: string) =>
    `INSERT INTO system_configurations (key, value) SELECT '${key}', '${value}' WHERE $1::integer > 0 ON CONFLICT (key) DO UPDATE SET value = excluded.value`;

  const ZONES: Bad[] = [
    {
      value: 'users.time_zone',
      what: 'Nowhere/Land',
      write: `UPDATE users SET time_zone = 'Nowhere/Land' WHERE id = $1`,
      door: { table: 'users', trigger: 'users_time_zone_check' },
      repair: (by, { id }) => patch(by, id, { timeZone: 'Asia/Tokyo' }),
    },
    {
      value: 'users.time_zone and users.quota_reset_zone',
      what: 'Nowhere/Land, once good',
      write: `UPDATE users SET time_zone = 'Nowhere/Land', quota_reset_zone = 'Nowhere/Land' WHERE id = $1`,
      door: { table: 'users', trigger: 'users_time_zone_check' },
      repair: (by, { id }) => patch(by, id, { timeZone: 'Asia/Tokyo' }),
    },
    {
      value: 'users.quota_reset_zone',
      what: 'Nowhere/Land',
      write: `UPDATE users SET quota_reset_zone = 'Nowhere/Land' WHERE id = $1`,
      repair: (by, { id }) => patch(by, id, { timeZone: 'Asia/Tokyo' }),
    },
    ...['"Nowhere/Land"', '"FOO"', '""', '7', 'null', '{"zone":"Etc/UTC"}', '["Etc/UTC"]'].map((value): Bad => ({
      value: 'quota.timeZone',
      what: value,
      write: setting('quota.timeZone', value),
      door: { table: 'system_configurations', trigger: 'system_configurations_time_zone_check' },
      repair: (by) => put(by, 'quota.timeZone', 'Asia/Tokyo'),
    })),
  ];

  it.each(ZONES)('in $value ($what) is refused at the door, harms nobody inside, and is repaired over HTTP', async ({ write, door, repair }) => {
    const victim = await makeUser(service, { dailyQuota: 1_000, email: `victim-${randomBytes(4).toString('hex')}@example.com` });
    await service.as(victim).post('/v1/requests').send({ type: 'job' }).expect(201);
    if (door) {
      await expect(service.sql(write, [victim.id])).rejects.toMatchObject({ code: '23514', constraint: door.trigger });
      await service.sql(`ALTER TABLE ${door.table} DISABLE TRIGGER ${door.trigger}`);
    }
    await service.sql(write, [victim.id]);
    if (door) await service.sql(`ALTER TABLE ${door.table} ENABLE TRIGGER ${door.trigger}`);
    await everythingGoesOnAndBegins(victim);
    await repair(admin, victim);
    await everythingGoesOn(victim);
    const { body } = await service.as(victim).get('/v1/users/me/quota').expect(200);
    expect(body).toMatchObject({ timeZone: 'Asia/Tokyo', adjusted: [] });
    await service.as(admin).delete('/v1/configurations/quota.timeZone').set('if-match', '*');
  });

  it('in a zone shows in the answers, which go by the zone of the system', async () => {
    const victim = await makeUser(service, { dailyQuota: 1_000 });
    await put(admin, 'quota.timeZone', 'Asia/Kathmandu');
    await service.sql(`ALTER TABLE users DISABLE TRIGGER users_time_zone_check`);
    // The day that it is in the zone of the system, which another one may be in already or still: the period is not over.
    await service.sql(
      `UPDATE users SET time_zone = 'Nowhere/Land', quota_reset_zone = 'Else/Where', quota_reset_date = (now() AT TIME ZONE 'Asia/Kathmandu')::date WHERE id = $1`,
      [victim.id],
    );
    await service.sql(`ALTER TABLE users ENABLE TRIGGER users_time_zone_check`);
    const quota = await service.as(victim).get('/v1/users/me/quota').expect(200);
    expect(quota.body).toMatchObject({ timeZone: 'Asia/Kathmandu', adjusted: ['timeZone', 'periodZone'] });
    const profile = await service.as(victim).get('/v1/users/me').expect(200);
    expect(profile.body).toMatchObject({ timeZone: 'Nowhere/Land', adjusted: ['timeZone'] });
    await service.as(admin).delete(`/v1/users/${victim.id}`).expect(204);
    await service.as(admin).delete('/v1/configurations/quota.timeZone').set('if-match', '*').expect(204);
  });

  afterEach(() => service.sql('DELETE FROM system_configurations'));

  it.each(['null', 'true', '-1', '1.5', '1e400', '"x"', '[[]]', '{"a":{"b":null}}', `"${'x'.repeat(100_000)}"`].map((value) => [value.slice(0, 20), value]))(
    'in a declared setting (%s) counts as the default, is shown, and is repaired over HTTP',
    async (_, value) => {
      await service.sql(`ALTER TABLE system_configurations DISABLE TRIGGER system_configurations_time_zone_check`);
      await service.sql(`INSERT INTO system_configurations (key, value) SELECT key, $2::jsonb FROM unnest($1::text[]) AS key`, [
        [...declaredSettings().keys()],
        value,
      ]);
      await service.sql(`ALTER TABLE system_configurations ENABLE TRIGGER system_configurations_time_zone_check`);
      const get = async (key: string) =>
        (await service.as(admin).get(`/v1/configurations/${key}`).expect(200)).body as { value: unknown; adjusted: string | null };
      const broken: string[] = [];
      for (const [key, setting] of declaredSettings()) {
        const shown = await get(key);
        if (shown.adjusted === null) continue;
        broken.push(key);
        expect([key, shown]).toMatchObject([key, { value: setting.default, source: 'default', adjusted: 'inherited' }]);
      }
      expect(broken.length).toBeGreaterThan(10);
      // What the value happens to suit is in force, and may refuse things: it is no bad value.
      await service.sql('DELETE FROM system_configurations WHERE key <> ALL ($1)', [broken]);
      const detail = async () =>
        ((await service.as().get('/health/ready').expect(200)).body as { checks: { storedValues: { detail?: string } } }).checks.storedValues.detail ?? '';
      // The schedule of the close-out is made of two of them, and is reported of besides.
      expect(broken).toEqual(expect.arrayContaining(['quota.resetCron', 'quota.timeZone']));
      await eventually(async () => (await detail()).includes(`${broken.length + 1} stored values do not count`), 10_000);
      const metrics = async () => (await service.as().get('/metrics').expect(200)).text;
      await eventually(async () => (await metrics()).includes(`quotidian_stored_values_adjusted ${broken.length + 1}\n`), 10_000);
      await everythingGoesOnAndBegins(await makeUser(service, { dailyQuota: 1_000 }));
      for (const key of broken) {
        await put(admin, key, declaredSettings().get(key)?.default);
        expect(await get(key)).toMatchObject({ source: 'system', adjusted: null });
      }
      await service.sql('DELETE FROM system_configurations');
    },
  );

  it("in an operator's schema or bounds makes users' values inherited, and fails no list", async () => {
    const user = await makeUser(service);
    for (const [n, schema] of ['"x"', '7', '{"type":5}', '{"$ref":"#"}', '{"$ref":"https://example.com/"}'].entries()) {
      for (const column of ['schema', 'bounds']) {
        await service.sql(`INSERT INTO system_configurations (key, value, visibility, overridable, ${column}) VALUES ($1, '1', 'public', true, $2::jsonb)`, [
          `bad.${column}.${n}`,
          schema,
        ]);
        await service.sql(`INSERT INTO user_configurations (user_id, key, value) VALUES ($1, $2, '2')`, [user.id, `bad.${column}.${n}`]);
      }
    }
    const seen = async () => {
      const { body } = await service.as(user).get('/v1/users/me/configurations?limit=100').expect(200);
      return (body.items as { key: string; value: unknown; adjusted: unknown }[]).filter(({ key }) => key.startsWith('bad.'));
    };
    await eventually(async () => (await seen()).length === 10, 5_000);
    for (const { value, adjusted } of await seen()) expect([value, adjusted]).toEqual([1, 'inherited']);
    await service.as(admin).get('/v1/configurations?limit=100').expect(200);
    await everythingGoesOnAndBegins(user);
    await service.sql('DELETE FROM system_configurations');
  });

  it("in the zone of a capped key's owner does not keep what it paid for others from being given back", async () => {
    const payer = await makeUser(service, { scopes: ['service', 'requests:write'], dailyCap: 50 });
    const user = await makeUser(service);
    const pay = () => service.as(payer).post('/v1/requests').send({ type: 'job', userId: user.id }).expect(201);
    const first = await pay();
    await pay();
    await service.sql(`ALTER TABLE users DISABLE TRIGGER users_time_zone_check`);
    await service.sql(`UPDATE users SET time_zone = 'Nowhere/Land', quota_reset_zone = 'Nowhere/Land' WHERE id = $1`, [payer.id]);
    await service.sql(`ALTER TABLE users ENABLE TRIGGER users_time_zone_check`);
    await service.as(admin).post(`/v1/requests/${first.body.id}/cancel`).expect(200);
    await service.as(admin).post(`/v1/users/${user.id}/quota/reset`).send({ reason: 'test' }).expect(200);
    expect((await service.as(user).get('/v1/users/me/quota').expect(200)).body).toMatchObject({ used: 0 });
  });

  it('in api_keys.user_id, moved by plain SQL, is noticed: the key is its new owner at once', async () => {
    const from = await makeUser(service);
    const to = await makeUser(service);
    await service.as(from).get('/v1/users/me').expect(200);
    await service.sql('UPDATE api_keys SET user_id = $2 WHERE user_id = $1', [from.id, to.id]);
    const who = async () => (await service.as(from).get('/v1/users/me')).body.id as number;
    await eventually(async () => (await who()) === to.id, 5_000);
  });

  it.each([
    ['a counter at its end', `UPDATE users SET api_quota_requests_today = 2147483647 WHERE id = $1`, undefined],
    ['a day beyond the calendar', `UPDATE users SET quota_reset_date = '5874897-12-31' WHERE id = $1`, 'users_quota_reset_date_check'],
    ['a day without end', `UPDATE users SET quota_reset_date = 'infinity' WHERE id = $1`, 'users_quota_reset_date_check'],
  ])('that no statement can reckon with (%s) is not the fault of the caller, and harms nobody else', async (_, write, constraint) => {
    const victim = await makeUser(service, { dailyQuota: 1_000 });
    if (constraint) {
      await expect(service.sql(write, [victim.id])).rejects.toMatchObject({ code: '23514', constraint });
      await service.sql(`ALTER TABLE users DROP CONSTRAINT ${constraint}`);
    }
    await service.sql(write, [victim.id]);
    const problem = { status: 503, code: 'stored-value-unusable', detail: expect.stringContaining('operator') };
    const [alone, batch, beside] = await Promise.all([
      service.as(victim).post('/v1/requests').send({ type: 'job' }).expect(503).expect('retry-after', '60'),
      service
        .as(victim)
        .post('/v1/requests/batch')
        .send({ items: [{ type: 'job' }] })
        .expect(200),
      service.as(neighbour).post('/v1/requests').send({ type: 'job' }),
    ]);
    expect(alone.body).toMatchObject(problem);
    expect(batch.body.items).toMatchObject([{ status: 503, problem }]);
    expect(beside.status).toBe(201);
    await service.as(admin).delete(`/v1/users/${victim.id}`).expect(204);
    if (constraint) {
      const check = `quota_reset_date BETWEEN '1970-01-01' AND '9999-12-30' OR status = 'deleted'`;
      await service.sql(`ALTER TABLE users ADD CONSTRAINT ${constraint} CHECK (${check})`);
    }
  });

  it.each(['日本', 'ümlaut/x', '\u0001', '\u202e', 'a b'])('as the name of a plan (%j) leaves no gateway check of its users unanswered', async (name) => {
    const tier = `plan-${randomBytes(4).toString('hex')}`;
    await service.as(admin).post('/v1/tiers').send({ name: tier, dailyQuota: 1_000 }).expect(201);
    const user = await makeUser(service, { tier });
    await service.sql(`UPDATE subscription_tiers SET name = $2 WHERE name = $1`, [tier, name]);
    const { headers } = await service.as(user).get('/v1/authorize').expect(204);
    expect(decodeURIComponent(headers['x-user-tier'] ?? '')).toBe(name);
    await everythingGoesOnAndBegins(user);
    await service.sql(`UPDATE subscription_tiers SET name = $1 WHERE name = $2`, [tier, name]);
  });

  it('a sequence that is used up is not the fault of who comes next', async () => {
    const [{ last }] = (await service.sql(`SELECT last_value AS last FROM users_id_seq`)) as [{ last: string }];
    await service.sql(`ALTER SEQUENCE users_id_seq MAXVALUE ${last}`);
    const credentials = { email: 'one-too-many@example.com', password: 'correct horse battery' };
    const { body } = await service.as().post('/v1/auth/register').send(credentials).expect(503);
    expect(body.code).toBe('stored-value-unusable');
    await service.sql('ALTER SEQUENCE users_id_seq MAXVALUE 2147483647');
    await service.as().post('/v1/auth/register').send(credentials).expect(201);
  });
});
