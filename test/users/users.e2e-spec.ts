import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, PASSWORD_HASH, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { logIn } from '../support/sessions';

const password = 'correct horse battery';

describe('users', () => {
  let service: Service;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startService();
    admin = await makeAdmin(service);
  });
  afterAll(() => service.close());

  const asAdmin = () => service.as(admin);
  const create = (body: object) =>
    asAdmin()
      .post('/v1/users')
      .send({ password, ...body });
  let count = 0;
  const email = () => `made-${++count}@example.com`;

  it('are made by administrators on the free plan by default', async () => {
    const address = email();
    const { body, headers } = await create({ email: address }).expect(201);
    expect(body).toEqual({
      id: expect.any(Number),
      email: address,
      role: 'user',
      status: 'active',
      tier: 'free',
      dailyQuota: 5,
      unlimited: false,
      timeZone: null,
      emailVerified: false,
      pendingEmail: null,
      removalDueAt: null,
      externalId: null,
      maxInFlight: null,
      metadata: {},
      adjusted: [],
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    expect(headers).toMatchObject({ location: `/v1/users/${body.id}`, etag: expect.stringMatching(/^"[\w-]+"$/) });
    const [row] = await service.sql(
      `SELECT quota_reset_date = (now() AT TIME ZONE 'UTC')::date AS today, api_quota_used_today AS used FROM users WHERE id = $1`,
      [body.id],
    );
    expect(row).toEqual({ today: true, used: 0 });
  });

  it.each([
    [{ tier: 'pro' }, { tier: 'pro', dailyQuota: 1000, unlimited: false }],
    [{ tier: 'enterprise' }, { tier: 'enterprise', dailyQuota: null, unlimited: true }],
    [{ dailyQuota: 50 }, { tier: 'free', dailyQuota: 50, unlimited: false }],
    [{ dailyQuota: 0 }, { dailyQuota: 0, unlimited: false }],
    [{ dailyQuota: 2_147_483_647 }, { dailyQuota: 2_147_483_647 }],
    [{ dailyQuota: null }, { dailyQuota: 5, unlimited: false }],
    [
      { tier: 'enterprise', dailyQuota: 7 },
      { tier: 'enterprise', dailyQuota: 7, unlimited: false },
    ],
    [{ unlimited: true }, { dailyQuota: null, unlimited: true }],
    [{ unlimited: false }, { dailyQuota: 5, unlimited: false }],
    [
      { role: 'admin', timeZone: 'Asia/Kathmandu' },
      { role: 'admin', timeZone: 'Asia/Kathmandu' },
    ],
    [{ timeZone: null }, { timeZone: null }],
  ])('made with %j are %j', async (given, expected) => {
    const { body } = await create({ email: email(), ...given }).expect(201);
    expect(body).toMatchObject(expected);
    expect((await asAdmin().get(`/v1/users/${body.id}`).expect(200)).body).toEqual(body);
    const { body: quota } = await asAdmin().get(`/v1/users/${body.id}/quota`).expect(200);
    expect(quota).toMatchObject({ limit: body.dailyQuota, unlimited: body.unlimited, used: 0, tier: body.tier });
  });

  it.each([
    [{ tier: 'platinum' }, '#/tier'],
    [{ tier: 5 }, '#/tier'],
    [{ dailyQuota: -1 }, '#/dailyQuota'],
    [{ dailyQuota: 1.5 }, '#/dailyQuota'],
    [{ dailyQuota: '5' }, '#/dailyQuota'],
    [{ dailyQuota: 2_147_483_648 }, '#/dailyQuota'],
    [{ role: 'root' }, '#/role'],
    [{ timeZone: 'Mars/Olympus' }, '#/timeZone'],
    [{ timeZone: 'UTC+5' }, '#/timeZone'],
    [{ timeZone: "Etc/UTC'; --" }, '#/timeZone'],
    [{ timeZone: 5 }, '#/timeZone'],
    [{ timeZone: '' }, '#/timeZone'],
    [{ status: 'suspended' }, '#/status'],
    [{ id: 1 }, '#/id'],
    [{ passwordHash: PASSWORD_HASH }, '#/passwordHash'],
    [{ usedToday: 0 }, '#/usedToday'],
  ])('are not made with %j', async (given, pointer) => {
    const { body } = await create({ email: email(), ...given }).expect(400);
    expect(body).toMatchObject({ code: 'validation-failed', errors: [{ pointer }] });
  });

  it.each(['Etc/UTC', 'UTC', 'Asia/Kathmandu', 'America/Argentina/Buenos_Aires', 'Pacific/Kiritimati', 'Etc/GMT+12', 'Europe/Kyiv'])(
    'may live in %s',
    async (timeZone) => {
      const { body } = await create({ email: email(), timeZone }).expect(201);
      expect(body.timeZone).toBe(timeZone);
      const { body: quota } = await asAdmin().get(`/v1/users/${body.id}/quota`).expect(200);
      expect(quota.timeZone).toBe(timeZone);
      const [row] = await service.sql('SELECT quota_reset_date = (now() AT TIME ZONE time_zone)::date AS local FROM users WHERE id = $1', [body.id]);
      expect(row).toEqual({ local: true });
    },
  );

  it('are not made twice under one address, whatever its case', async () => {
    const address = email();
    await create({ email: address }).expect(201);
    expect((await create({ email: address.toUpperCase() }).expect(409)).body.code).toBe('email-taken');
  });

  it('are made once for one Idempotency-Key', async () => {
    const body = { email: email(), password };
    const post = (sent: object) => asAdmin().post('/v1/users').set('idempotency-key', 'once').send(sent);
    const first = await post(body).expect(201);
    const again = await post(body).expect(201);
    expect(again.body).toEqual(first.body);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.headers['content-type']).toBe(first.headers['content-type']);
    expect(first.headers['idempotency-replayed']).toBeUndefined();
    expect((await post({ ...body, email: email() }).expect(422)).body.code).toBe('idempotency-key-reused');
  });

  it('see themselves as me and by their id, and nobody else', async () => {
    const user = await makeUser(service);
    const other = await makeUser(service);
    const { body } = await service.as(user).get('/v1/users/me').expect(200);
    expect(body.id).toBe(user.id);
    expect((await service.as(user).get(`/v1/users/${user.id}`).expect(200)).body).toEqual(body);
    const session = await logIn(service, user);
    for (const id of [other.id, 2_147_483_647, 2_147_483_648, 0, -1, '1.0', '0x1', '1e0', 'you', '%20', '1%00']) {
      const foreign = await service.as(session.accessToken).get(`/v1/users/${id}`).expect(404);
      expect(foreign.body.code).toBe('not-found');
    }
    await service.as(session.accessToken).patch(`/v1/users/${other.id}`).send({ timeZone: 'Etc/UTC' }).expect(404);
    await service.as(session.accessToken).delete(`/v1/users/${other.id}`).expect(404);
    await service.as(session.accessToken).put(`/v1/users/${other.id}/password`).send({ newPassword: password }).expect(404);
    for (const path of ['quota', 'usage', 'api-keys', 'configurations']) {
      await service.as(session.accessToken).get(`/v1/users/${other.id}/${path}`).expect(404);
    }
  });

  it('are not listed or made by users', async () => {
    const session = await logIn(service, await makeUser(service));
    for (const answer of [service.as(session.accessToken).get('/v1/users'), service.as(session.accessToken).post('/v1/users').send({})]) {
      expect((await answer.expect(403)).body.code).toBe('admin-required');
    }
  });

  it('that administrators ask for and that do not exist are 404', async () => {
    for (const id of ['2147483647', '99999999999', '0', 'x']) {
      await asAdmin().get(`/v1/users/${id}`).expect(404);
      await asAdmin().patch(`/v1/users/${id}`).send({ tier: 'pro' }).expect(404);
      await asAdmin().delete(`/v1/users/${id}`).expect(404);
      await asAdmin().get(`/v1/users/${id}/quota`).expect(404);
      await asAdmin().get(`/v1/users/${id}/usage`).expect(404);
      await asAdmin().get(`/v1/users/${id}/configurations`).expect(404);
      await asAdmin().get(`/v1/users/${id}/api-keys`).expect(404);
      await asAdmin().post(`/v1/users/${id}/api-keys`).send({ name: 'x' }).expect(404);
      await asAdmin().post(`/v1/users/${id}/quota/reset`).send({ reason: 'x' }).expect(404);
      await asAdmin().delete(`/v1/users/${id}/quota/override`).expect(404);
    }
  });

  it('go with everything that hangs on them', async () => {
    const user = await makeUser(service);
    const { id } = user;
    const session = await logIn(service, user);
    await service.as(user).post('/v1/requests').set('idempotency-key', 'k').send({ type: 'x' }).expect(201);
    await service.sql(`INSERT INTO user_configurations (user_id, key, value) VALUES ($1, 'a', '1')`, [id]);
    await service.sql(`INSERT INTO user_configuration_versions (user_id, key, version) VALUES ($1, 'a', 1)`, [id]);
    await service.sql(`INSERT INTO quota_usage (user_id, date, used) VALUES ($1, '2020-01-01', 1)`, [id]);
    await service.sql(`INSERT INTO quota_events (user_id, date, threshold, used, quota) VALUES ($1, '2020-01-01', 0.5, 1, 1)`, [id]);
    const tables = await service.sql<{ table: string }>(
      `SELECT conrelid::regclass::text AS table FROM pg_constraint WHERE confrelid = 'users'::regclass AND contype = 'f' AND confdeltype = 'c' ORDER BY 1`,
    );
    const filled = () =>
      Promise.all(tables.map(async ({ table }) => ((await service.sql(`SELECT 1 FROM ${table} WHERE user_id = ${id}`)).length > 0 ? table : null)));
    const known = ['api_keys', 'idempotency_keys', 'quota_events', 'quota_usage', 'requests', 'sessions', 'user_configuration_versions', 'user_configurations'];
    expect(await filled()).toEqual(expect.arrayContaining(known));
    await service.as(session.accessToken).delete('/v1/users/me').expect(204);
    await eventually(async () => expect((await filled()).filter(Boolean)).toEqual([]));
    await asAdmin().get(`/v1/users/${id}`).expect(404);
  });

  it('have an index on every foreign key to them, and each cascades', async () => {
    const bad = await service.sql(
      `SELECT c.conname, c.confdeltype FROM pg_constraint c
       WHERE c.confrelid = 'users'::regclass AND c.contype = 'f' AND (c.confdeltype <> 'c'
         OR NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1]))`,
    );
    expect(bad).toEqual([]);
  });

  it('made by plain SQL of e-mail and hash alone work at once', async () => {
    const [row] = await service.sql(
      `INSERT INTO users (email, password_hash) VALUES ('Plain@example.com', $1)
       RETURNING id, subscription_tier, api_quota_daily, api_quota_used_today, quota_reset_date = (now() AT TIME ZONE 'UTC')::date AS today`,
      [PASSWORD_HASH],
    );
    expect(row).toEqual({ id: expect.any(Number), subscription_tier: 'free', api_quota_daily: 5, api_quota_used_today: 0, today: true });
    const { accessToken } = await logIn(service, { email: 'plain@EXAMPLE.com' });
    const { body } = await service.as(accessToken).post('/v1/requests').send({ type: 'search' }).expect(201);
    expect(body).toMatchObject({ userId: row.id, cost: 1 });
    expect((await service.as(accessToken).get('/v1/users/me/quota').expect(200)).body).toMatchObject({ limit: 5, used: 1, remaining: 4 });
  });

  it('keep the last active administrator, though two demote each other at once', async () => {
    const others = await service.sql<{ id: number }>(`SELECT id FROM users WHERE role = 'admin' AND id <> $1`, [admin.id]);
    await service.sql(`UPDATE users SET role = 'user' WHERE id = ANY ($1)`, [others.map(({ id }) => id)]);
    for (const change of [{ role: 'user' }, { status: 'suspended' }]) {
      expect((await asAdmin().patch('/v1/users/me').send(change).expect(409)).body.code).toBe('last-admin');
    }
    expect((await asAdmin().delete('/v1/users/me').expect(409)).body.code).toBe('last-admin');
    const second = await makeAdmin(service);
    const answers = await Promise.all([
      asAdmin().patch(`/v1/users/${second.id}`).send({ role: 'user' }),
      service.as(second).patch(`/v1/users/${admin.id}`).send({ role: 'user' }),
    ]);
    const [left] = await service.sql(`SELECT count(*)::int AS n FROM users WHERE role = 'admin' AND status = 'active'`);
    expect(left).toEqual({ n: 1 });
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    await service.sql(`UPDATE users SET role = 'admin' WHERE id = $1`, [admin.id]);
  });
});
