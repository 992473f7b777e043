import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { defineKey, writeKey } from '../support/settings';

describe('settings of a user', () => {
  let service: Service;
  let admin: TestUser;
  let user: TestUser;
  beforeAll(async () => {
    service = await startService();
    admin = await makeAdmin(service);
  });
  beforeEach(async () => {
    user = await makeUser(service);
  });
  afterAll(() => service.close());

  const mine = '/v1/users/me/configurations';
  const put = (key: string, value: unknown, headers: Record<string, string> = { 'if-match': '*' }) =>
    service.as(user).put(`${mine}/${key}`).set(headers).send({ value });
  const get = (key: string) => service.as(user).get(`${mine}/${key}`);
  const overridable = { visibility: 'public', overridable: true };

  it('are the default’s, the system’s or the user’s own, and state which', async () => {
    expect((await get('quota.timeZone').expect(200)).body).toMatchObject({ value: 'Etc/UTC', source: 'default', version: 0, adjusted: null });
    await defineKey(service, admin, 'src.theme', { value: 'light', ...overridable, schema: { type: 'string' }, bounds: { enum: ['light', 'dark'] } });
    const inherited = await get('src.theme').expect(200);
    expect(inherited.body).toMatchObject({ value: 'light', source: 'system', version: 1, overridable: true, bounds: { enum: ['light', 'dark'] } });
    const own = await put('src.theme', 'dark', { 'if-match': inherited.headers.etag }).expect(200);
    expect(own.body).toMatchObject({ value: 'dark', source: 'user', version: 1, updatedBy: user.id, updatedAt: expect.any(String) });
    expect((await get('src.theme')).body).toEqual(own.body);
    const { body } = await service.as(user).get(`${mine}?limit=100`).expect(200);
    expect(body.items.find((item: { key: string }) => item.key === 'src.theme')).toEqual(own.body);
    await service.as(user).delete(`${mine}/src.theme`).set('if-match', own.headers.etag).expect(204);
    expect((await get('src.theme')).body).toEqual(inherited.body);
  });

  it('keep every version, with author, reason and diff', async () => {
    await defineKey(service, admin, 'hist.size', { value: 1, ...overridable });
    await service.as(user).put(`${mine}/hist.size`).set('if-none-match', '*').send({ value: 2, reason: 'more' }).expect(200);
    await service.as(admin).put(`/v1/users/${user.id}/configurations/hist.size`).set('if-match', '*').send({ value: 3, reason: 'asked for' }).expect(200);
    await service.as(user).delete(`${mine}/hist.size?reason=enough`).set('if-match', '*').expect(204);
    const { body } = await service.as(user).get(`${mine}/hist.size/history`).expect(200);
    expect(body.items).toMatchObject([
      { version: 3, value: null, deleted: true, author: user.id, reason: 'enough', changes: [{ pointer: '#/value', before: 3 }] },
      { version: 2, value: 3, deleted: false, author: admin.id, reason: 'asked for', changes: [{ pointer: '#/value', before: 2, after: 3 }] },
      { version: 1, value: 2, deleted: false, author: user.id, reason: 'more', changes: [{ pointer: '#/value', after: 2 }] },
    ]);
    const events = await service.sql(`SELECT actor_id, before, after FROM audit_events WHERE target_id = $1`, [`${user.id}/hist.size`]);
    expect(events).toEqual([{ actor_id: admin.id, before: { value: 2 }, after: { value: 3 } }]);
  });

  it('stay within what the operator allows', async () => {
    await defineKey(service, admin, 'may.size', { value: 1, ...overridable, schema: { type: 'integer' }, bounds: { minimum: 1, maximum: 9 } });
    await defineKey(service, admin, 'may.not', { value: 1, visibility: 'public' });
    const outside = await put('may.size', 10).expect(400);
    expect(outside.body).toMatchObject({ code: 'validation-failed', errors: [{ pointer: '#/value', code: 'maximum' }] });
    expect((await put('may.size', 'many').expect(400)).body.errors).toEqual([{ pointer: '#/value', detail: 'must be integer', code: 'type' }]);
    expect((await put('may.not', 2).expect(403)).body.code).toBe('not-overridable');
    expect((await put('may.size', 9).expect(200)).body.value).toBe(9);
    expect((await get('may.not')).body).toMatchObject({ value: 1, source: 'system' });
  });

  it('are clamped, or fall back to the inherited value, when bounds become narrower, and state so', async () => {
    await defineKey(service, admin, 'narrow.size', { value: 5, ...overridable, schema: { type: 'integer' }, bounds: { maximum: 100 } });
    await defineKey(service, admin, 'narrow.theme', { value: 'light', ...overridable, bounds: { enum: ['light', 'dark'] } });
    await put('narrow.size', 80).expect(200);
    const dark = await put('narrow.theme', 'dark').expect(200);
    await writeKey(service, admin, 'narrow.size', { value: 5, bounds: { maximum: 50 } });
    await writeKey(service, admin, 'narrow.theme', { value: 'light', bounds: { enum: ['light'] } });
    const both = async () => {
      const { body } = await service.as(user).get(`${mine}?limit=100`).expect(200);
      const items = (body.items as { key: string }[]).filter(({ key }) => key.startsWith('narrow.'));
      expect(items).toEqual([(await get('narrow.size')).body, (await get('narrow.theme')).body]);
      return items;
    };
    expect(await both()).toMatchObject([
      { value: 50, source: 'user', adjusted: 'clamped', version: 1 },
      { value: 'light', source: 'system', adjusted: 'inherited', version: 2 },
    ]);
    expect((await get('narrow.theme')).headers.etag).not.toBe(dark.headers.etag);
    await writeKey(service, admin, 'narrow.size', { value: 5, overridable: false });
    await writeKey(service, admin, 'narrow.theme', { value: 'light', bounds: null });
    expect(await both()).toMatchObject([
      { value: 5, source: 'system', adjusted: 'inherited' },
      { value: 'dark', source: 'user', adjusted: null },
    ]);
    await writeKey(service, admin, 'narrow.size', { value: 5, overridable: true, bounds: null, schema: { type: 'integer', maximum: 60 } });
    expect(await both()).toMatchObject([{ value: 60, source: 'user', adjusted: 'clamped' }, { value: 'dark' }]);
  });

  it('are of public keys only', async () => {
    await defineKey(service, admin, 'hidden.key', { value: 'canary' });
    // As it may stand since before 0.2.0.
    await service.sql(`UPDATE system_configurations SET overridable = true WHERE key = 'hidden.key'`);
    for (const path of ['hidden.key', 'hidden.key/history', 'nowhere', 'nowhere/history', '__proto__', 'a%00b'])
      await service.as(user).get(`${mine}/${path}`).expect(404);
    await put('hidden.key', 1).expect(404);
    await service.as(user).delete(`${mine}/hidden.key`).set('if-match', '*').expect(404);
    const { text } = await service.as(user).get(`${mine}?limit=100`).expect(200);
    expect(text).not.toContain('canary');
  });

  it('are out of reach for other users, and not there for users who do not exist', async () => {
    const other = await makeUser(service);
    await defineKey(service, admin, 'reach', { value: 1, ...overridable });
    for (const path of [`/v1/users/${other.id}/configurations`, `/v1/users/${other.id}/configurations/reach`]) {
      await service.as(user).get(path).expect(404);
      await service.as(admin).get(path).expect(200);
    }
    await service.as(user).put(`/v1/users/${other.id}/configurations/reach`).set('if-match', '*').send({ value: 2 }).expect(404);
    await service.as(admin).get('/v1/users/2000000000/configurations').expect(404);
    await service.as(admin).get('/v1/users/2000000000/configurations/reach').expect(404);
    await service.as(admin).put('/v1/users/2000000000/configurations/reach').set('if-match', '*').send({ value: 2 }).expect(404);
  });

  it('are 200 at most, also when the last two are set at once', async () => {
    await service.sql(
      `INSERT INTO system_configurations (key, value, visibility, overridable) SELECT 'many.' || i, '0', 'public', true FROM generate_series(1, 201) i`,
    );
    await service.sql(`INSERT INTO user_configurations (user_id, key, value) SELECT $1, 'many.' || i, '1' FROM generate_series(1, 199) i`, [user.id]);
    const last = await Promise.all([put('many.200', 1), put('many.201', 1)]);
    expect(last.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(last.find(({ status }) => status === 409)?.body).toMatchObject({
      code: 'too-many-keys',
      detail: expect.stringContaining('configurations.maxPerUser'),
    });
    await put('many.1', 2).expect(200);
  });

  it('do not hold keys that the operator took away against the user', async () => {
    await service.sql(`INSERT INTO user_configurations (user_id, key, value) SELECT $1, 'gone.' || i, '1' FROM generate_series(1, 200) i`, [user.id]);
    await defineKey(service, admin, 'still.there', { value: 1, ...overridable });
    await put('still.there', 2).expect(200);
  });

  it('go with the user', async () => {
    await defineKey(service, admin, 'goes', { value: 1, ...overridable });
    await put('goes', 2).expect(200);
    await service.sql('DELETE FROM users WHERE id = $1', [user.id]);
    expect(await service.sql('SELECT FROM user_configurations WHERE user_id = $1', [user.id])).toEqual([]);
    expect(await service.sql('SELECT FROM user_configuration_versions WHERE user_id = $1', [user.id])).toEqual([]);
  });
});
