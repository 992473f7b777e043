import { declaredSettings } from '../../src/settings/setting';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { defineKey, writeKey } from '../support/settings';

const DECLARED = [
  'auth.passwordMinLength',
  'auth.registration',
  'idempotency.retentionHours',
  'quota.refundDailyCap',
  'quota.refundPolicy',
  'quota.resetCron',
  'quota.thresholds',
  'quota.timeZone',
  'requests.maxPayloadBytes',
  'requests.strictTypes',
  'requests.types',
];

describe('system settings', () => {
  let service: Service;
  let admin: TestUser;
  let user: TestUser;
  beforeAll(async () => {
    service = await startService();
    admin = await makeAdmin(service);
    user = await makeUser(service);
  });
  afterAll(() => service.close());

  const put = (key: string, body: object, headers: Record<string, string> = { 'if-match': '*' }, query = '') =>
    service.as(admin).put(`/v1/configurations/${key}${query}`).set(headers).send(body);
  const get = (key: string, who = admin) => service.as(who).get(`/v1/configurations/${key}`);

  it('declares its own settings with schema, default, description, unit and who may read and override them', async () => {
    const { body } = await service.as(admin).get('/v1/configurations?limit=100').expect(200);
    const shown = new Map<string, Record<string, unknown>>(body.items.map((item: { key: string }) => [item.key, item]));
    expect([...shown.keys()]).toEqual(expect.arrayContaining(DECLARED));
    expect([...shown.keys()]).toEqual([...shown.keys()].sort());
    for (const { key, default: value, overridable } of declaredSettings().values()) {
      expect(shown.get(key)).toMatchObject({ value, source: 'default', version: 0, overridable, bounds: null, updatedAt: null, updatedBy: null });
      expect(shown.get(key)).toMatchObject({ schema: expect.any(Object), description: expect.stringMatching(/\.$/) });
    }
    expect(shown.get('idempotency.retentionHours')).toMatchObject({ unit: 'hours', visibility: 'public' });
  });

  it('creates, reads, replaces and deletes an operator’s own key', async () => {
    const setting = { schema: { type: 'string' }, description: 'A greeting.', unit: null, visibility: 'public', overridable: true, bounds: { maxLength: 20 } };
    const created = await put('own.greeting', { value: 'hello', ...setting, reason: 'first' }, { 'if-none-match': '*' }).expect(201);
    expect(created.headers.etag).toBe('"1"');
    expect(created.body).toEqual({
      key: 'own.greeting',
      value: 'hello',
      source: 'system',
      adjusted: null,
      version: 1,
      ...setting,
      updatedAt: expect.stringMatching(/Z$/),
      updatedBy: admin.id,
    });
    expect((await get('own.greeting').expect(200)).body).toEqual(created.body);
    const replaced = await put('own.greeting', { value: 'good day' }, { 'if-match': '"1"' }).expect(200);
    expect(replaced.body).toEqual({ ...created.body, value: 'good day', version: 2, updatedAt: expect.any(String) });
    await service.as(admin).delete('/v1/configurations/own.greeting').set('if-match', '"2"').expect(204);
    await get('own.greeting').expect(404);
    await put('own.greeting', { value: 1 }, { 'if-none-match': '*' }).expect(201);
    expect((await get('own.greeting')).body).toMatchObject({ version: 4, schema: null, visibility: 'internal' });
  });

  it('needs no schema for an operator’s own key: any JSON is taken then', async () => {
    await defineKey(service, admin, 'own.banner', {
      value: { text: 'Maintenance tonight', level: 2 },
      description: 'What the front page shows.',
      visibility: 'public',
    });
    const { body } = await put('own.banner', { value: ['anything'], reason: 'shorter' }).expect(200);
    expect(body).toMatchObject({ value: ['anything'], schema: null, version: 2 });
    expect((await get('own.banner', user).expect(200)).body).toMatchObject({ value: ['anything'], description: 'What the front page shows.' });
    const preview = await service.as(admin).delete('/v1/configurations/own.banner?dryRun=true').set('if-match', '"2"').expect(200);
    expect(preview.body).toMatchObject({ overrides: 0 });
    await service.as(admin).delete('/v1/configurations/own.banner').set('if-match', '"2"').expect(204);
  });

  it('takes a declared setting back to its default when it is deleted', async () => {
    const replaced = await put('quota.timeZone', { value: 'Europe/Berlin' }, { 'if-match': '"0"' }).expect(200);
    expect(replaced.body).toMatchObject({ value: 'Europe/Berlin', source: 'system', version: 1 });
    await service.as(admin).delete('/v1/configurations/quota.timeZone?reason=moved').set('if-match', replaced.headers.etag).expect(204);
    const { body, headers } = await get('quota.timeZone').expect(200);
    expect(body).toMatchObject({ value: 'Etc/UTC', source: 'default', version: 2, updatedAt: null });
    expect(headers.etag).toBe('"2"');
    const history = await service.as(admin).get('/v1/configurations/quota.timeZone/history').expect(200);
    expect(history.body.items[0]).toMatchObject({ version: 2, deleted: true, value: null, reason: 'moved', author: admin.id });
  });

  it('lists by prefix and visibility, in pages that miss and repeat nothing', async () => {
    for (const [i, visibility] of ['public', 'internal', 'public', 'public', 'internal'].entries()) {
      await defineKey(service, admin, `page.${i}`, { value: i, visibility });
    }
    const keys: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const { body }: { body: { items: { key: string }[]; nextCursor: string | null } } = await service
        .as(admin)
        .get(`/v1/configurations?prefix=page.&limit=2${cursor && `&cursor=${cursor}`}`)
        .expect(200);
      keys.push(...body.items.map((item) => item.key));
      cursor = body.nextCursor;
    }
    expect(keys).toEqual(['page.0', 'page.1', 'page.2', 'page.3', 'page.4']);
    const { body } = await service.as(admin).get('/v1/configurations?prefix=page.&visibility=internal').expect(200);
    expect(body.items.map((item: { key: string }) => item.key)).toEqual(['page.1', 'page.4']);
    const first = await service.as(admin).get('/v1/configurations?prefix=page.&limit=2');
    await service.as(admin).get(`/v1/configurations?prefix=other&limit=2&cursor=${first.body.nextCursor}`).expect(400);
  });

  it('shows what is public to any credential, whatever its scopes', async () => {
    const key = await makeUser(service, { scopes: ['worker'] });
    for (const path of ['', '/quota.timeZone', '/quota.timeZone/history']) await service.as(key).get(`/v1/configurations${path}`).expect(200);
    await service.as(key).get('/v1/configurations/quota.resetCron').expect(404);
    await service.as().get('/v1/configurations').expect(401);
  });

  it('shows users what is public and hides the rest as if it were not there', async () => {
    await defineKey(service, admin, 'seen.public', { value: 1, visibility: 'public' });
    await defineKey(service, admin, 'seen.internal', { value: 2 });
    const { body } = await service.as(user).get('/v1/configurations?prefix=seen.').expect(200);
    expect(body.items.map((item: { key: string }) => item.key)).toEqual(['seen.public']);
    expect(body.items[0]).toMatchObject({ value: 1, updatedBy: null });
    await get('seen.public', user).expect(200);
    for (const path of ['seen.internal', 'seen.internal/history', 'quota.resetCron', 'nowhere', 'nowhere/history', 'a%00b', '__proto__']) {
      await service.as(user).get(`/v1/configurations/${path}`).expect(404);
    }
    expect((await service.as(user).get('/v1/configurations?visibility=internal')).body.items).toEqual([]);
  });

  it('lets nobody but administrators write', async () => {
    await defineKey(service, admin, 'guarded', { value: 1, visibility: 'public' });
    await service.as(user).put('/v1/configurations/guarded').set('if-match', '*').send({ value: 2 }).expect(403);
    await service.as(user).put('/v1/configurations/guarded?dryRun=true').send({ value: 2 }).expect(403);
    await service.as(user).delete('/v1/configurations/guarded').set('if-match', '*').expect(403);
    await service.as(user).post('/v1/configurations/guarded/rollback').send({ version: 1 }).expect(403);
    expect((await get('guarded')).body).toMatchObject({ value: 1, version: 1 });
  });

  it('shows in a dry run what would be and how many users it would touch, and changes nothing', async () => {
    const bounded = { schema: { type: 'integer' }, visibility: 'public', overridable: true, bounds: { minimum: 0, maximum: 100 } };
    await defineKey(service, admin, 'dry.size', { value: 10, ...bounded });
    for (const value of [5, 50, 90]) {
      const one = await makeUser(service);
      await service.as(one).put('/v1/users/me/configurations/dry.size').set('if-none-match', '*').send({ value }).expect(200);
    }
    const narrow = await put('dry.size', { value: 20, bounds: { minimum: 0, maximum: 60 } }, {}, '?dryRun=true').expect(200);
    expect(narrow.body).toMatchObject({ value: 20, version: 2, overrides: 3, overridesOutOfBounds: 1, bounds: { minimum: 0, maximum: 60 } });
    const closed = await put('dry.size', { value: 20, overridable: false }, {}, '?dryRun=true').expect(200);
    expect(closed.body).toMatchObject({ overrides: 3, overridesOutOfBounds: 3 });
    const gone = await service.as(admin).delete('/v1/configurations/dry.size?dryRun=true').expect(200);
    expect(gone.body).toMatchObject({ overrides: 3, overridesOutOfBounds: 3 });
    const refused = await put('dry.size', { value: 'x' }, {}, '?dryRun=true').expect(400);
    expect(refused.body.errors).toEqual([{ pointer: '#/value', detail: 'must be integer', code: 'type' }]);
    await put('dry.size', { value: 20 }, { 'if-match': '"7"' }, '?dryRun=true').expect(412);
    await put('dry.size', { value: 20 }, {}, '?dryRun=maybe').expect(400);
    expect((await get('dry.size')).body).toMatchObject({ value: 10, version: 1, ...bounded });
    await writeKey(service, admin, 'dry.size', { value: 20, bounds: null });
    const back = await service.as(admin).post('/v1/configurations/dry.size/rollback?dryRun=true').send({ version: 1 }).expect(200);
    expect(back.body).toMatchObject({ value: 10, version: 3, overrides: 3, overridesOutOfBounds: 0 });
    expect((await get('dry.size')).body).toMatchObject({ value: 20, version: 2, bounds: null });
  });

  it('records who changed what and why', async () => {
    await defineKey(service, admin, 'shown', { value: { a: 1 }, reason: 'born' });
    await writeKey(service, admin, 'shown', { value: { a: 2 }, reason: 'grown' });
    await service.as(admin).delete('/v1/configurations/shown?reason=gone').set('if-match', '*').expect(204);
    const events = await service.sql(
      `SELECT action, actor_id, before -> 'value' AS before, after -> 'value' AS after, reason FROM audit_events WHERE target_id = 'shown' ORDER BY id`,
    );
    expect(events).toEqual([
      { action: 'configuration.create', actor_id: admin.id, before: null, after: { a: 1 }, reason: 'born' },
      { action: 'configuration.update', actor_id: admin.id, before: { a: 1 }, after: { a: 2 }, reason: 'grown' },
      { action: 'configuration.delete', actor_id: admin.id, before: { a: 2 }, after: null, reason: 'gone' },
    ]);
  });
});
