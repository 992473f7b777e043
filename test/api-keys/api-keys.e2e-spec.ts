import { createHash } from 'node:crypto';
import { hashKey, makeKey } from '../../src/api-keys/key-format';
import { PrincipalsService } from '../../src/auth/principals.service';
import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Http, type Service, startService } from '../support/service';
import { logIn } from '../support/sessions';

describe('API keys', () => {
  let service: Service;
  let admin: TestUser;
  let user: TestUser;
  let mine: () => Http;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    admin = await makeAdmin(service);
    user = await makeUser(service);
    const { accessToken } = await logIn(service, user);
    mine = () => service.as(accessToken);
  });
  afterAll(() => service.close());

  const make = async (body: object = {}) =>
    (
      await mine()
        .post('/v1/users/me/api-keys')
        .send({ name: 'mine', ...body })
        .expect(201)
    ).body;
  const works = (key: string, replica = 0) => service.replicas[replica].as(key).get('/v1/users/me').expect(200);
  const isDead = async (key: string) => {
    for (const replica of service.replicas) await eventually(() => replica.as(key).get('/v1/users/me').expect(401), 1_000);
  };

  it('show their secret once and are kept as a hash alone', async () => {
    const { body, headers } = await mine().post('/v1/users/me/api-keys').send({ name: 'laptop' }).expect(201);
    expect(body).toEqual({
      id: expect.any(Number),
      name: 'laptop',
      prefix: body.key.slice(0, 12),
      scopes: ['requests:read', 'requests:write', 'quota:read'],
      dailyCap: null,
      expiresAt: null,
      lastUsedAt: null,
      previousExpiresAt: null,
      createdAt: expect.stringMatching(/Z$/),
      key: expect.stringMatching(/^qtd_[0-9A-Za-z]{38}$/),
    });
    expect(headers.location).toBe(`/v1/users/${user.id}/api-keys/${body.id}`);
    const { key, ...rest } = body;
    expect((await mine().get(headers.location).expect(200)).body).toEqual(rest);
    const { items } = (await mine().get('/v1/users/me/api-keys').expect(200)).body;
    expect(items[0]).toEqual(rest);
    expect(JSON.stringify(items)).not.toContain(key);
    const [row] = await service.sql('SELECT * FROM api_keys WHERE id = $1', [body.id]);
    expect(row.key_hash).toEqual(createHash('sha256').update(key).digest());
    expect(JSON.stringify(row)).not.toContain(key.slice(12));
    await works(key);
  });

  it.each([
    [{}, '#/name'],
    [{ name: '' }, '#/name'],
    [{ name: 'x'.repeat(101) }, '#/name'],
    [{ name: 'x', scopes: [] }, '#/scopes'],
    [{ name: 'x', scopes: ['everything'] }, '#/scopes'],
    [{ name: 'x', scopes: 'requests:read' }, '#/scopes'],
    [{ name: 'x', scopes: ['requests:read', 'requests:read'] }, '#/scopes'],
    [{ name: 'x', expiresAt: '2020-01-01T00:00:00Z' }, '#/expiresAt'],
    [{ name: 'x', expiresAt: 'tomorrow' }, '#/expiresAt'],
    [{ name: 'x', expiresAt: '2030-02-30T00:00:00Z' }, '#/expiresAt'],
    [{ name: 'x', expiresAt: 1_900_000_000 }, '#/expiresAt'],
    [{ name: 'x', dailyCap: -1 }, '#/dailyCap'],
    [{ name: 'x', dailyCap: 1.5 }, '#/dailyCap'],
    [{ name: 'x', keyHash: 'x' }, '#/keyHash'],
  ])('are not made of %j', async (body, pointer) => {
    const answer = await mine().post('/v1/users/me/api-keys').send(body).expect(400);
    expect(answer.body.errors[0].pointer).toBe(pointer);
  });

  it('carry only what their maker may grant', async () => {
    for (const scope of ['service', 'worker', 'admin']) {
      const { body } = await mine()
        .post('/v1/users/me/api-keys')
        .send({ name: 'x', scopes: ['requests:read', scope] })
        .expect(403);
      expect(body.code).toBe('scope-not-grantable');
    }
    const { body } = await service
      .as(admin)
      .post(`/v1/users/${user.id}/api-keys`)
      .send({ name: 'x', scopes: ['service', 'quota:read'] })
      .expect(201);
    await service
      .as(body.key as string)
      .get(`/v1/users/${admin.id}/quota`)
      .expect(200);
  });

  it('do not make, list, rotate or revoke keys, unless an administrator’s', async () => {
    const key = await make({ scopes: ['requests:read', 'requests:write', 'quota:read', 'configurations:read', 'configurations:write'] });
    const as = service.as(key.key as string);
    for (const answer of [
      as.get('/v1/users/me/api-keys'),
      as.post('/v1/users/me/api-keys').send({ name: 'x' }),
      as.post(`/v1/users/me/api-keys/${key.id}/rotate`),
      as.patch(`/v1/users/me/api-keys/${key.id}`).send({ name: 'x' }),
      as.delete(`/v1/users/me/api-keys/${key.id}`),
    ]) {
      expect((await answer.expect(403)).body.code).toBe('scope-required');
    }
    await service.as(admin).get(`/v1/users/${user.id}/api-keys`).expect(200);
  });

  it('of somebody else are not there', async () => {
    const other = await makeUser(service);
    const [foreign] = await service.sql('SELECT id FROM api_keys WHERE user_id = $1', [other.id]);
    for (const id of [foreign.id as number, 0, 'x', 2_147_483_648]) {
      await mine().delete(`/v1/users/me/api-keys/${id}`).expect(404);
      await mine().post(`/v1/users/me/api-keys/${id}/rotate`).expect(404);
    }
    await service.as(other).get('/v1/users/me').expect(200);
  });

  it('get a new secret by rotation, and the old one stops on every replica within a second', async () => {
    const key = await make();
    for (const replica of [0, 1]) await works(key.key, replica);
    const { body } = await mine().post(`/v1/users/me/api-keys/${key.id}/rotate`).expect(200);
    expect(body).toEqual({ ...key, key: expect.any(String), prefix: body.key.slice(0, 12), lastUsedAt: body.lastUsedAt });
    expect(body.key).not.toBe(key.key);
    await isDead(key.key);
    for (const replica of [0, 1]) await works(body.key, replica);
  });

  const rotated = async (id: number, body: object) => (await mine().post(`/v1/users/me/api-keys/${id}/rotate`).send(body).expect(200)).body;

  it('work by both secrets while a rotation overlaps, on every replica, and by the new one alone after it', async () => {
    const key = await make();
    const next = await rotated(key.id, { overlapSeconds: 3_600, reason: 'roll-out' });
    expect(Date.parse(next.previousExpiresAt) - Date.now()).toBeGreaterThan(3_000_000);
    for (const replica of [0, 1]) for (const secret of [key.key, next.key]) await works(secret, replica);
    expect((await mine().get(`/v1/users/me/api-keys/${key.id}`).expect(200)).body.previousExpiresAt).toBe(next.previousExpiresAt);
    await service.sql('UPDATE api_key_overlaps SET expires_at = now() WHERE api_key_id = $1', [key.id]);
    await isDead(key.key);
    for (const replica of [0, 1]) await works(next.key, replica);
    expect((await mine().get(`/v1/users/me/api-keys/${key.id}`).expect(200)).body.previousExpiresAt).toBeNull();
  });

  it('keep one former secret: the next rotation ends the one before, and a rotation without overlap ends all', async () => {
    const key = await make();
    const second = await rotated(key.id, { overlapSeconds: 3_600 });
    const third = await rotated(key.id, { overlapSeconds: 3_600 });
    await isDead(key.key);
    for (const { key: secret } of [second, third]) await works(secret);
    const last = await rotated(key.id, {});
    for (const { key: secret } of [second, third]) await isDead(secret);
    await works(last.key);
    await mine().delete(`/v1/users/me/api-keys/${key.id}`).expect(204);
    await isDead(last.key);
  });

  it('stop by both secrets when they are revoked', async () => {
    const key = await make();
    const next = await rotated(key.id, { overlapSeconds: 3_600 });
    for (const secret of [key.key, next.key]) await works(secret);
    await mine().delete(`/v1/users/me/api-keys/${key.id}`).expect(204);
    for (const secret of [key.key, next.key]) await isDead(secret);
  });

  it.each([[-1], [1.5], ['60'], [null], [2_592_001]])('are not rotated with an overlap of %j seconds', async (overlapSeconds) => {
    const key = await make();
    const { body } = await mine().post(`/v1/users/me/api-keys/${key.id}/rotate`).send({ overlapSeconds }).expect(400);
    expect(body.errors[0].pointer).toBe('#/overlapSeconds');
    await works(key.key);
  });

  it('are not rotated with an overlap that ends after they do', async () => {
    const key = await make({ expiresAt: new Date(Date.now() + 600_000).toISOString() });
    const { body } = await mine().post(`/v1/users/me/api-keys/${key.id}/rotate`).send({ overlapSeconds: 3_600 }).expect(400);
    expect(body.errors).toEqual([expect.objectContaining({ pointer: '#/overlapSeconds', code: 'beyond-expiry' })]);
    await works(key.key);
  });

  it('are changed but for their secret, with what they were and are in the audit log', async () => {
    const key = await make();
    const expiresAt = '2090-01-01T00:00:00.000Z';
    const path = `/v1/users/me/api-keys/${key.id}`;
    const { body, headers } = await mine()
      .patch(path)
      .send({ name: 'renamed', scopes: ['quota:read'], dailyCap: 5, expiresAt, reason: 'less is enough' })
      .expect(200);
    const { key: secret, ...rest } = key;
    expect(body).toEqual({ ...rest, name: 'renamed', scopes: ['quota:read'], dailyCap: 5, expiresAt });
    expect((await mine().get(path).expect(200)).headers.etag).toBe(headers.etag);
    for (const replica of service.replicas) await eventually(() => replica.as(secret).post('/v1/requests').send({ type: 'x' }).expect(403), 1_000);
    const { items } = (await service.as(admin).get(`/v1/audit-events?targetKind=api-key&targetId=${key.id}&action=api-key.update`).expect(200)).body;
    expect(items[0]).toMatchObject({ reason: 'less is enough', before: { name: 'mine', dailyCap: null }, after: { name: 'renamed', dailyCap: 5 } });
    await mine().patch(path).set('if-match', '"other"').send({ name: 'x' }).expect(412);
    expect((await mine().patch(path).set('if-match', headers.etag).send({ dailyCap: null, expiresAt: null }).expect(200)).body).toMatchObject({
      dailyCap: null,
      expiresAt: null,
    });
  });

  it.each([
    [{ name: '' }, '#/name'],
    [{ name: null }, '#/name'],
    [{ scopes: [] }, '#/scopes'],
    [{ scopes: null }, '#/scopes'],
    [{ scopes: ['everything'] }, '#/scopes'],
    [{ expiresAt: '2020-01-01T00:00:00Z' }, '#/expiresAt'],
    [{ dailyCap: -1 }, '#/dailyCap'],
    [{ dailyCap: 0.5 }, '#/dailyCap'],
    [{ prefix: 'qtd_x' }, '#/prefix'],
  ])('are not changed to %j', async (body, pointer) => {
    const key = await make();
    const answer = await mine().patch(`/v1/users/me/api-keys/${key.id}`).send(body).expect(400);
    expect(answer.body.errors[0].pointer).toBe(pointer);
  });

  it('are given scopes beyond their user’s by administrators alone, and keep those that they have', async () => {
    const { body: key } = await service
      .as(admin)
      .post(`/v1/users/${user.id}/api-keys`)
      .send({ name: 'x', scopes: ['service', 'quota:read'] })
      .expect(201);
    const path = `/v1/users/me/api-keys/${key.id}`;
    await mine()
      .patch(path)
      .send({ scopes: ['service'] })
      .expect(200);
    const { body } = await mine()
      .patch(path)
      .send({ scopes: ['service', 'worker'] })
      .expect(403);
    expect(body).toMatchObject({ code: 'scope-not-grantable', errors: [{ pointer: '#/scopes', detail: 'must not contain worker' }] });
  });

  it('that are given a cap have spent of it what they spent today, and win nothing by refunds of that', async () => {
    const owner = await makeUser(service, { scopes: ['requests:write', 'requests:read', 'quota:read'] });
    const [{ id }] = await service.sql<{ id: number }>('SELECT id FROM api_keys WHERE user_id = $1', [owner.id]);
    const submit = () => service.as(owner).post('/v1/requests').send({ type: 'x' });
    const first = (await submit().expect(201)).body;
    await submit().expect(201);
    await service.as(admin).patch(`/v1/users/${owner.id}/api-keys/${id}`).send({ dailyCap: 3 }).expect(200);
    const principals = service.app.get(PrincipalsService, { strict: false });
    await eventually(async () => expect(await principals.byKey(owner.key)).toMatchObject({ hasCap: true }));
    await service.as(admin).post(`/v1/requests/${first.id}/cancel`).expect(200);
    // Of three two were used, one of which came back: two more pass, and the next is refused.
    for (const left of [1, 0]) expect((await submit().expect(201)).headers.ratelimit).toContain(`"key";r=${left};`);
    expect((await submit().expect(429)).body).toMatchObject({ code: 'key-cap-exceeded', limit: 3, used: 3 });
  });

  it('are rotated once for one Idempotency-Key, and the retry is not shown the secret', async () => {
    const key = await make();
    const other = await make();
    const rotate = (id: number) => mine().post(`/v1/users/me/api-keys/${id}/rotate`).set('idempotency-key', 'rotation');
    const first = await rotate(key.id).expect(200);
    const again = await rotate(key.id).expect(200);
    expect(again.body).toEqual({ ...first.body, key: null });
    expect(again.headers['idempotency-replayed']).toBe('true');
    await works(first.body.key);
    await rotate(other.id).expect(422);
    await works(other.key);
  });

  it('are not there by their id once they are revoked, or for somebody else', async () => {
    const key = await make();
    const stranger = await makeUser(service);
    await service.as(admin).get(`/v1/users/${user.id}/api-keys/${key.id}`).expect(200);
    await service.as(admin).get(`/v1/users/${stranger.id}/api-keys/${key.id}`).expect(404);
    await mine().delete(`/v1/users/me/api-keys/${key.id}`).expect(204);
    await mine().get(`/v1/users/me/api-keys/${key.id}`).expect(404);
  });

  it('stop for good when they are revoked, on every replica within a second, and leave the list', async () => {
    const key = await make();
    for (const replica of [0, 1]) await works(key.key, replica);
    await mine().delete(`/v1/users/me/api-keys/${key.id}`).expect(204);
    await isDead(key.key);
    const { items } = (await mine().get('/v1/users/me/api-keys?limit=100').expect(200)).body;
    expect(items.map(({ id }: { id: number }) => id)).not.toContain(key.id);
    await mine().delete(`/v1/users/me/api-keys/${key.id}`).expect(404);
    await mine().post(`/v1/users/me/api-keys/${key.id}/rotate`).expect(404);
  });

  it.each([
    ['revoked', 'UPDATE api_keys SET revoked_at = now() WHERE id = $1'],
    ['deleted', 'DELETE FROM api_keys WHERE id = $1'],
    ['expired', 'UPDATE api_keys SET expires_at = now() WHERE id = $1'],
    ['given another hash', `UPDATE api_keys SET key_hash = sha256('x') WHERE id = $1`],
  ])('%s by plain SQL stop on every replica within a second', async (_, statement) => {
    const key = await make();
    for (const replica of [0, 1]) await works(key.key, replica);
    await service.sql(statement, [key.id]);
    await isDead(key.key);
  });

  it('lose a scope by plain SQL on every replica within a second', async () => {
    const key = await make();
    for (const replica of service.replicas) await replica.as(key.key).get('/v1/users/me/quota').expect(200);
    await service.sql(`UPDATE api_keys SET scopes = '{requests:read}' WHERE id = $1`, [key.id]);
    for (const replica of service.replicas) await eventually(() => replica.as(key.key).get('/v1/users/me/quota').expect(403), 1_000);
  });

  it('stop when their time comes, by the database’s clock', async () => {
    const expiresAt = new Date(Date.now() + 1_500).toISOString();
    const key = await make({ expiresAt });
    expect(key.expiresAt).toBe(expiresAt);
    for (const replica of [0, 1]) await works(key.key, replica);
    for (const replica of service.replicas) await eventually(() => replica.as(key.key).get('/v1/users/me').expect(401), 2_500);
  });

  it('state when they were used last', async () => {
    const key = await make();
    await works(key.key);
    const { body } = await eventually(async () => {
      await service.replicas[0].app.get(PrincipalsService, { strict: false }).flushUsed();
      const answer = await mine().get('/v1/users/me/api-keys?limit=100').expect(200);
      expect(answer.body.items.find(({ id }: { id: number }) => id === key.id).lastUsedAt).not.toBeNull();
      return answer;
    });
    expect(body.nextCursor).toBeNull();
  });

  it('made under one Idempotency-Key are one key, its secret kept in no form and not shown to the retry', async () => {
    const post = (body: object) => mine().post('/v1/users/me/api-keys').set('idempotency-key', 'same').send(body);
    const first = await post({ name: 'once' }).expect(201);
    const again = await post({ name: 'once' }).expect(201);
    expect(again.body).toEqual({ ...first.body, key: null });
    expect(again.headers).toMatchObject({ 'idempotency-replayed': 'true', location: first.headers.location });
    await post({ name: 'other' }).expect(422);
    const [kept] = await service.sql(`SELECT response_body::text AS body FROM idempotency_keys WHERE user_id = $1 AND key = 'same'`, [user.id]);
    expect(JSON.parse(kept.body as string)).toEqual(again.body);
  });

  it('that are damaged, unknown or of another prefix are refused', async () => {
    const key = makeKey();
    expect(hashKey(key)).toHaveLength(32);
    for (const bad of [key, `${user.key}x`, user.key.slice(0, -1), user.key.slice(0, -1) + (user.key.endsWith('a') ? 'b' : 'a'), user.key.toUpperCase()]) {
      const { headers } = await service.as(bad).get('/v1/users/me').expect(401);
      expect(headers['www-authenticate']).toContain('invalid_token');
    }
  });

  it('come in pages, newest first', async () => {
    const other = await makeUser(service);
    for (let i = 0; i < 4; i++)
      await service
        .as(admin)
        .post(`/v1/users/${other.id}/api-keys`)
        .send({ name: `k${i}` })
        .expect(201);
    const page = async (query: string) => (await service.as(admin).get(`/v1/users/${other.id}/api-keys?${query}`).expect(200)).body;
    const first = await page('limit=3');
    const second = await page(`limit=3&cursor=${first.nextCursor}`);
    const names = [...first.items, ...second.items].map(({ name }: { name: string }) => name);
    expect([names, second.nextCursor]).toEqual([['k3', 'k2', 'k1', 'k0', 'test'], null]);
    await mine().get(`/v1/users/me/api-keys?cursor=${first.nextCursor}`).expect(400);
  });

  it('with a cap spend no more than it of their user’s quota', async () => {
    const key = await make({ dailyCap: 2 });
    const submit = () =>
      service
        .as(key.key as string)
        .post('/v1/requests')
        .send({ type: 'x' });
    for (const left of [1, 0]) expect((await submit().expect(201)).headers.ratelimit).toContain(`"key";r=${left};`);
    expect((await submit().expect(429)).body).toMatchObject({ code: 'key-cap-exceeded', 'violated-policies': ['key'], limit: 2, used: 2 });
    await service.as(user).post('/v1/requests').send({ type: 'x' }).expect(201);
  });
});
