import { dumpOf } from '../support/tables';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Replica, type Service, startService } from '../support/service';
import { defineKey, writeKey } from '../support/settings';

describe('a proposed change of a setting', () => {
  let service: Service;
  let author: TestUser;
  let second: TestUser;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    author = await makeAdmin(service);
    second = await makeAdmin(service);
  });
  afterAll(() => service.close());

  const path = (key: string) => `/v1/configurations/${key}`;
  const propose = (key: string, body: object, headers: Record<string, string> = { 'if-match': '*' }, admin = author) =>
    service
      .as(admin)
      .post(`${path(key)}/changes`)
      .set(headers)
      .send(body);
  const proposed = async (key: string, body: object) => (await propose(key, { requiresApproval: true, ...body }).expect(201)).body as { id: number };
  const decide = (key: string, id: number, verb: 'approve' | 'withdraw', admin = second, replica: Replica = service) =>
    replica.as(admin).post(`${path(key)}/changes/${id}/${verb}`);
  const change = async (key: string, id: number) =>
    (
      await service
        .as(author)
        .get(`${path(key)}/changes/${id}`)
        .expect(200)
    ).body;
  const valueOf = async (key: string) => (await service.replicas[1].as(second).get(path(key)).expect(200)).body.value;

  it('waits until another administrator approves it, and is in force with that', async () => {
    await defineKey(service, author, 'eyes.four', { value: 1, schema: { type: 'integer' } });
    const { body, headers } = await propose('eyes.four', { value: 2, reason: 'more', requiresApproval: true }, { 'if-match': '"1"' }).expect(201);
    expect(headers.location).toBe(`${path('eyes.four')}/changes/${body.id}`);
    expect(body).toMatchObject({
      ...{ key: 'eyes.four', status: 'proposed', value: 2, deletes: false, baseVersion: 1, version: null, requiresApproval: true, effectiveAt: null },
      ...{ reason: 'more', author: author.id, approvedBy: null, changes: [{ pointer: '#/value', before: 1, after: 2 }] },
    });
    expect(await valueOf('eyes.four')).toBe(1);
    expect((await decide('eyes.four', body.id, 'approve', author).expect(403)).body.code).toBe('own-change');
    expect(await valueOf('eyes.four')).toBe(1);
    const approved = (await decide('eyes.four', body.id, 'approve', second, service.replicas[1]).expect(200)).body;
    expect(approved).toMatchObject({ status: 'applied', version: 2, approvedBy: second.id, approvedAt: expect.any(String), endedAt: expect.any(String) });
    expect(await valueOf('eyes.four')).toBe(2);
    const { items } = (await service.as(author).get(`${path('eyes.four')}/history`)).body;
    expect(items[0]).toMatchObject({ version: 2, value: 2, author: author.id, reason: 'more' });
    const events = await service.sql(`SELECT actor_id, action FROM audit_events WHERE target_id LIKE 'eyes.four%' ORDER BY id`);
    expect(events).toEqual([
      { actor_id: author.id, action: 'configuration.create' },
      { actor_id: author.id, action: 'configuration-change.propose' },
      { actor_id: second.id, action: 'configuration-change.approve' },
      { actor_id: author.id, action: 'configuration.update' },
    ]);
    expect((await decide('eyes.four', body.id, 'approve').expect(409)).body).toMatchObject({ code: 'change-ended', changeStatus: 'applied' });
    expect((await decide('eyes.four', body.id, 'withdraw').expect(409)).body.code).toBe('change-ended');
  });

  it('approved by many at once makes one version', async () => {
    await defineKey(service, author, 'eyes.many', { value: 1 });
    const { id } = await proposed('eyes.many', { value: 2 });
    const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => decide('eyes.many', id, 'approve', second, service.replicas[i % 2])));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409, 409, 409, 409]);
    expect((await service.as(author).get(path('eyes.many'))).body.version).toBe(2);
  });

  it('cannot be stored as approved by its author, by whatever program', async () => {
    await defineKey(service, author, 'eyes.sql', { value: 1 });
    const { id } = await proposed('eyes.sql', { value: 2 });
    const forge = (set: string) => service.sql(`UPDATE system_configuration_changes SET ${set} WHERE id = $1`, [id]);
    await expect(forge(`status = 'approved', approved_by = ${author.id}`)).rejects.toThrow('four_eyes_check');
    await expect(forge(`status = 'approved'`)).rejects.toThrow('approval_check');
  });

  it('is stale as soon as the setting has another version, and never applied then', async () => {
    await defineKey(service, author, 'eyes.stale', { value: 1 });
    const one = await proposed('eyes.stale', { value: 2 });
    const two = await proposed('eyes.stale', { value: 3 });
    await decide('eyes.stale', two.id, 'approve').expect(200);
    expect(await change('eyes.stale', one.id)).toMatchObject({ status: 'stale', version: null, endedBy: author.id });
    expect((await decide('eyes.stale', one.id, 'approve').expect(409)).body).toMatchObject({ code: 'change-ended', changeStatus: 'stale' });
    const three = await proposed('eyes.stale', { value: 4 });
    await writeKey(service, second, 'eyes.stale', { value: 5 });
    await decide('eyes.stale', three.id, 'approve').expect(409);
    expect(await valueOf('eyes.stale')).toBe(5);
    const four = await proposed('eyes.stale', { value: 6 });
    await service.sql(`INSERT INTO system_configuration_versions (key, version, content) SELECT key, version + 1, content
      FROM system_configuration_versions WHERE key = 'eyes.stale' ORDER BY version DESC LIMIT 1`);
    expect((await decide('eyes.stale', four.id, 'approve').expect(200)).body.status).toBe('stale');
    expect(await valueOf('eyes.stale')).toBe(5);
  });

  it('is withdrawn by its author or refused by another, with the reason in the audit log', async () => {
    await defineKey(service, author, 'eyes.back', { value: 1 });
    const own = await proposed('eyes.back', { value: 2 });
    const others = await proposed('eyes.back', { value: 3 });
    expect((await decide('eyes.back', own.id, 'withdraw', author).expect(200)).body).toMatchObject({ status: 'withdrawn', endedBy: author.id });
    await service
      .as(second)
      .post(`${path('eyes.back')}/changes/${others.id}/withdraw?reason=no`)
      .expect(200);
    await decide('eyes.back', others.id, 'approve').expect(409);
    expect(await service.sql(`SELECT reason FROM audit_events WHERE target_id = $1 ORDER BY id DESC LIMIT 1`, [`eyes.back/${others.id}`])).toEqual([
      { reason: 'no' },
    ]);
    expect(await valueOf('eyes.back')).toBe(1);
  });

  it('creates a key, and deletes one', async () => {
    const { body } = await propose('eyes.new', { value: 'a', visibility: 'public', requiresApproval: true }, { 'if-none-match': '*' }).expect(201);
    await service.as(author).get(path('eyes.new')).expect(404);
    await decide('eyes.new', body.id, 'approve').expect(200);
    expect((await service.as(author).get(path('eyes.new'))).body).toMatchObject({ value: 'a', visibility: 'public', version: 1 });
    const deletion = await proposed('eyes.new', { delete: true });
    expect(deletion).toMatchObject({ deletes: true, value: null });
    await decide('eyes.new', deletion.id, 'approve').expect(200);
    await service.as(author).get(path('eyes.new')).expect(404);
  });

  it('that needs neither approval nor patience is in force with the answer', async () => {
    await defineKey(service, author, 'eyes.none', { value: 1 });
    expect((await propose('eyes.none', { value: 2 }).expect(201)).body).toMatchObject({ status: 'applied', version: 2, requiresApproval: false });
    expect(await valueOf('eyes.none')).toBe(2);
  });

  it('is refused like a write: no precondition, a stale one, a bad value, a past instant, a malformed field', async () => {
    await defineKey(service, author, 'eyes.bad', { value: 1, schema: { type: 'integer' } });
    await propose('eyes.bad', { value: 2 }, {}).expect(428);
    await propose('eyes.bad', { value: 2 }, { 'if-match': '"7"' }).expect(412);
    const refused = async (body: object, ...errors: [pointer: string, code: string][]) => {
      const answer = await propose('eyes.bad', body).expect(400);
      expect(answer.body.errors).toMatchObject(errors.map(([pointer, code]) => ({ pointer, code })));
    };
    await refused({ value: 'x' }, ['#/value', 'type']);
    await refused({}, ['#/value', 'is-present']);
    await refused({ delete: true, value: 3 }, ['#/value', 'not-with-delete']);
    await refused({ delete: true, schema: {} }, ['#/schema', 'not-with-delete']);
    await refused({ value: 2, schema: { type: 'text' } }, ['#/schema', 'invalid-schema']);
    await refused({ value: 2, effectiveAt: '2020-01-01T00:00:00Z' }, ['#/effectiveAt', 'instant-passed']);
    await refused({ value: 2, effectiveAt: 'tomorrow' }, ['#/effectiveAt', 'is-instant']);
    await refused({ value: 2, requiresApproval: null }, ['#/requiresApproval', 'is-boolean']);
    const odd = await propose('eyes.bad', { value: 2, effectiveAt: '2099-12-31T23:59:59.9+23:59' }).expect(201);
    expect(odd.body.effectiveAt).toBe('2099-12-31T00:00:59.900Z');
    await decide('eyes.bad', odd.body.id, 'withdraw').expect(200);
    await propose('eyes.nowhere', { delete: true }, { 'if-none-match': '*' }).expect(404);
    for (const other of ['a%00b/changes', '__proto__/changes', 'eyes.bad/changes/0', 'eyes.bad/changes/999999', 'a%00b/changes/1'])
      await service.as(author).get(path(other)).expect(404);
    expect((await service.as(author).get(`${path('eyes.bad')}/changes?status=proposed`)).body).toEqual({ items: [], nextCursor: null });
    expect((await service.as(author).get(path('eyes.bad'))).body).toMatchObject({ value: 1, version: 1 });
  });

  it('is for administrators', async () => {
    const user = await makeUser(service);
    await defineKey(service, author, 'eyes.admins', { value: 1, visibility: 'public' });
    const { id } = await proposed('eyes.admins', { value: 2 });
    await service.as(user).get('/v1/configuration-changes').expect(403);
    await service
      .as(user)
      .get(`${path('eyes.admins')}/changes/${id}`)
      .expect(403);
    await decide('eyes.admins', id, 'approve', user).expect(403);
    await propose('eyes.admins', { value: 3 }, { 'if-match': '*' }, user).expect(403);
  });

  it('is listed, by status and by key, newest first', async () => {
    await defineKey(service, author, 'eyes.list', { value: 1 });
    const ids = [];
    for (const value of [2, 3, 4]) ids.unshift((await proposed('eyes.list', { value })).id);
    await decide('eyes.list', ids[2], 'withdraw').expect(200);
    const list = async (query: string) => (await service.as(second).get(`/v1/configuration-changes?${query}`).expect(200)).body;
    const first = await list('key=eyes.list&limit=2');
    expect(first.items.map(({ id }: { id: number }) => id)).toEqual(ids.slice(0, 2));
    expect((await list(`key=eyes.list&limit=2&cursor=${first.nextCursor}`)).items).toMatchObject([{ id: ids[2], status: 'withdrawn' }]);
    expect((await list('key=eyes.list&status=withdrawn')).items).toMatchObject([{ id: ids[2] }]);
    const ofKey = (
      await service
        .as(second)
        .get(`${path('eyes.list')}/changes?status=proposed`)
        .expect(200)
    ).body;
    expect(ofKey.items.map(({ id }: { id: number }) => id)).toEqual(ids.slice(0, 2));
    await service.as(second).get('/v1/configuration-changes?status=open').expect(400);
  });

  it('proposed twice under one Idempotency-Key is one', async () => {
    await defineKey(service, author, 'eyes.once', { value: 1 });
    const headers = { 'if-match': '"1"', 'idempotency-key': 'once' };
    const first = await propose('eyes.once', { value: 2, requiresApproval: true }, headers).expect(201);
    const again = await propose('eyes.once', { value: 2, requiresApproval: true }, headers).expect(201);
    expect(again.body).toEqual(first.body);
    expect(again.headers['idempotency-replayed']).toBe('true');
    await propose('eyes.once', { value: 2, requiresApproval: false }, headers).expect(422);
  });

  it('holds a secret sealed while it waits, and not at all once it ended', async () => {
    await defineKey(service, author, 'eyes.secret', { value: 'canary-old', visibility: 'secret' });
    const one = await proposed('eyes.secret', { value: 'canary-new' });
    const two = await proposed('eyes.secret', { value: 'canary-other' });
    expect(await dumpOf(service)).not.toContain('canary');
    expect(JSON.stringify(await change('eyes.secret', one.id))).not.toMatch(/canary|sealed/);
    const approved = await decide('eyes.secret', one.id, 'approve').expect(200);
    expect(approved.text).not.toMatch(/canary|sealed/);
    const left = await service.sql(`SELECT status, content -> 'value' AS value FROM system_configuration_changes WHERE key = 'eyes.secret' ORDER BY id`);
    expect(left).toEqual([
      { status: 'applied', value: null },
      { status: 'stale', value: null },
    ]);
    expect(two.id).toBeGreaterThan(one.id);
    expect((await service.as(author).get(path('eyes.secret'))).body).toMatchObject({ version: 2, value: null });
    expect(await dumpOf(service)).not.toContain('canary');
  });
});

describe('where changes must be approved', () => {
  let service: Service;
  let author: TestUser;
  let second: TestUser;
  beforeAll(async () => {
    service = await startService();
    author = await makeAdmin(service);
    second = await makeAdmin(service);
    await defineKey(service, author, 'must.ask', { value: 1 });
    await writeKey(service, author, 'configurations.approvalRequired', { value: true });
  });
  afterAll(() => service.close());

  it('nothing is written, taken back or rolled back by one administrator alone', async () => {
    const path = '/v1/configurations/must.ask';
    const refused = [
      await service.as(author).put(path).set('if-match', '*').send({ value: 2 }),
      await service.as(author).delete(path).set('if-match', '*'),
      await service.as(author).post(`${path}/rollback`).send({ version: 1 }),
      await service.as(author).delete('/v1/configurations/configurations.approvalRequired').set('if-match', '*'),
    ];
    for (const { status, body } of refused) expect([status, body.code]).toEqual([403, 'approval-required']);
    await service.as(author).put(`${path}?dryRun=true`).send({ value: 2 }).expect(200);
    const around = await service.as(author).post(`${path}/changes`).set('if-match', '*').send({ value: 2, requiresApproval: false }).expect(400);
    expect(around.body.errors).toMatchObject([{ pointer: '#/requiresApproval', code: 'approval-required' }]);
    const { body } = await service.as(author).post(`${path}/changes`).set('if-match', '*').send({ value: 2 }).expect(201);
    expect(body).toMatchObject({ status: 'proposed', requiresApproval: true });
    expect((await service.as(second).post(`${path}/changes/${body.id}/approve`).expect(200)).body.status).toBe('applied');
    expect((await service.as(author).get(path)).body.value).toBe(2);
  });

  it('users still set their own', async () => {
    const body = { value: 1, visibility: 'public', overridable: true };
    const made = await service.as(author).post('/v1/configurations/must.own/changes').set('if-none-match', '*').send(body).expect(201);
    await service.as(second).post(`/v1/configurations/must.own/changes/${made.body.id}/approve`).expect(200);
    const user = await makeUser(service);
    await service.as(user).put('/v1/users/me/configurations/must.own').set('if-match', '*').send({ value: 2 }).expect(200);
  });
});
