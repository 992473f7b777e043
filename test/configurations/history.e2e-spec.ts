import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { defineKey, writeKey } from '../support/settings';

describe('history and rollback', () => {
  let service: Service;
  let admin: TestUser;
  let user: TestUser;
  beforeAll(async () => {
    service = await startService();
    admin = await makeAdmin(service);
    user = await makeUser(service);
  });
  afterAll(() => service.close());

  const historyOf = async (key: string, who = admin, query = '') => (await service.as(who).get(`/v1/configurations/${key}/history${query}`).expect(200)).body;
  const rollback = (key: string, body: object) => service.as(admin).post(`/v1/configurations/${key}/rollback`).send(body);

  it('shows each version’s author, time, reason and what it changed, newest first', async () => {
    await defineKey(service, admin, 'shows', { value: { colour: 'red', size: 1 }, reason: 'start' });
    await writeKey(service, admin, 'shows', { value: { colour: 'blue', size: 1 }, description: 'Paint.', reason: 'nicer' });
    const { items } = await historyOf('shows');
    expect(items[0]).toEqual({
      version: 2,
      value: { colour: 'blue', size: 1 },
      deleted: false,
      changes: [
        { pointer: '#/description', before: '', after: 'Paint.' },
        { pointer: '#/value/colour', before: 'red', after: 'blue' },
      ],
      author: admin.id,
      reason: 'nicer',
      createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect(items[1]).toMatchObject({ version: 1, reason: 'start' });
  });

  it('comes in pages whose changes are against the version before, across the edge', async () => {
    await defineKey(service, admin, 'pages', { value: 1 });
    for (let value = 2; value <= 5; value++) await writeKey(service, admin, 'pages', { value });
    const first = await historyOf('pages', admin, '?limit=2');
    expect(first.items.map(({ changes }: { changes: object[] }) => changes)).toEqual([
      [{ pointer: '#/value', before: 4, after: 5 }],
      [{ pointer: '#/value', before: 3, after: 4 }],
    ]);
    const second = await historyOf('pages', admin, `?limit=2&cursor=${first.nextCursor}`);
    expect(second.items.map(({ version }: { version: number }) => version)).toEqual([3, 2]);
    const third = await historyOf('pages', admin, `?limit=2&cursor=${second.nextCursor}`);
    expect(third).toMatchObject({ items: [{ version: 1 }], nextCursor: null });
    await service.as(admin).get(`/v1/configurations/shows/history?cursor=${first.nextCursor}`).expect(400);
  });

  it('takes a setting back to any version, all of it, as a version of its own', async () => {
    const first = { value: 'a', schema: { type: 'string' }, description: 'One.', visibility: 'public', overridable: true, bounds: { maxLength: 3 } };
    await defineKey(service, admin, 'back', first);
    await writeKey(service, admin, 'back', { value: 2, schema: null, description: 'Two.', visibility: 'internal', overridable: false, bounds: null });
    const { body, headers } = await rollback('back', { version: 1, reason: 'too early' }).expect(200);
    expect(body).toMatchObject({ ...first, version: 3, source: 'system' });
    expect(headers.etag).toBe('"3"');
    const { items } = await historyOf('back');
    expect(items[0]).toMatchObject({ version: 3, value: 'a', reason: 'too early', author: admin.id });
    expect(items).toHaveLength(3);
    expect((await rollback('back', { version: 2 }).expect(200)).body).toMatchObject({ value: 2, version: 4, visibility: 'internal' });
    expect((await historyOf('back')).items[0]).toMatchObject({ reason: 'rollback to version 2' });
  });

  it('brings a deleted key back, and takes one back to being deleted', async () => {
    await defineKey(service, admin, 'phoenix', { value: 1 });
    await service.as(admin).delete('/v1/configurations/phoenix').set('if-match', '"1"').expect(204);
    expect((await rollback('phoenix', { version: 1 }).expect(200)).body).toMatchObject({ value: 1, version: 3 });
    expect((await rollback('phoenix', { version: 2 }).expect(200)).body).toMatchObject({ value: null, source: 'default', version: 4 });
    await service.as(admin).get('/v1/configurations/phoenix').expect(404);
    await rollback('phoenix', { version: 2 }).expect(200);
    expect((await historyOf('phoenix')).items).toHaveLength(4);
  });

  it('takes a declared setting back within the schema of now', async () => {
    await writeKey(service, admin, 'requests.maxPayloadBytes', { value: 1_000 });
    await writeKey(service, admin, 'requests.maxPayloadBytes', { value: 2_000 });
    await service.as(admin).delete('/v1/configurations/requests.maxPayloadBytes').set('if-match', '*').expect(204);
    expect((await rollback('requests.maxPayloadBytes', { version: 1 }).expect(200)).body).toMatchObject({ value: 1_000, version: 4, unit: 'bytes' });
    expect((await rollback('requests.maxPayloadBytes', { version: 3 }).expect(200)).body).toMatchObject({ value: 65_536, version: 5, source: 'default' });
    await service.sql(`INSERT INTO system_configuration_versions (key, version, content) VALUES ('requests.maxPayloadBytes', 6, '{"value": -1}')`);
    const refused = await rollback('requests.maxPayloadBytes', { version: 6 }).expect(400);
    expect(refused.body.errors).toEqual([{ pointer: '#/value', detail: 'must be >= 2', code: 'minimum' }]);
  });

  it('refuses a version that never was, and a stale If-Match', async () => {
    await defineKey(service, admin, 'careful', { value: 1 });
    await rollback('careful', { version: 2 }).expect(404);
    await rollback('nowhere', { version: 1 }).expect(404);
    await rollback('careful', { version: 0 }).expect(400);
    await rollback('careful', { version: 1.5 }).expect(400);
    await rollback('careful', { version: 1 }).set('if-match', '"9"').expect(412);
    await rollback('careful', { version: 1 }).set('if-match', '"1"').expect(200);
  });

  it('shows users the public versions of public settings, without who and why', async () => {
    await defineKey(service, admin, 'public.now', { value: 'hidden-then', reason: 'why' });
    await writeKey(service, admin, 'public.now', { value: 'open', visibility: 'public', reason: 'why' });
    await writeKey(service, admin, 'public.now', { value: 'open2', reason: 'why' });
    const seen = await historyOf('public.now', user);
    expect(seen.items).toMatchObject([
      { version: 3, value: 'open2', author: null, reason: null, changes: [{ pointer: '#/value', before: 'open', after: 'open2' }] },
      { version: 2, value: 'open', author: null, reason: null },
      { version: 1, value: null, author: null, reason: null },
    ]);
    expect(JSON.stringify(seen)).not.toMatch(/hidden-then|why/);
    await writeKey(service, admin, 'public.now', { value: 'open3', visibility: 'internal' });
    await service.as(user).get('/v1/configurations/public.now/history').expect(404);
  });
});
