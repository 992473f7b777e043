import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { writeSettingEverywhere } from '../support/settings';

describe('keys of programs', () => {
  let service: Service;
  let key: TestUser;
  let other: TestUser;
  let admin: TestUser;
  let user: TestUser;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    admin = await makeAdmin(service);
    user = await makeUser(service);
    key = await makeUser(service, { scopes: ['service', 'quota:read'] });
    other = await makeUser(service);
  });
  afterAll(() => service.close());

  const works = (key: string, replica = 0) => service.replicas[replica].as(key).get('/v1/users/me').expect(200);
  const isDead = async (key: string) => {
    for (const replica of service.replicas) await eventually(() => replica.as(key).get('/v1/users/me').expect(401), 1_000);
  };

  it.each(['', '/quota', '/usage'])('with the scope service read /v1/users/{userId}%s of every user, and of none that there is not', async (path) => {
    await service.as(key).get(`/v1/users/${other.id}${path}`).expect(200);
    await service.as(key).get(`/v1/users/999999${path}`).expect(404);
    const plain = await makeUser(service, { scopes: ['quota:read'] });
    await service.as(plain).get(`/v1/users/${other.id}${path}`).expect(404);
  });

  it('with the scope service change nothing of another user', async () => {
    await service.as(key).patch(`/v1/users/${other.id}`).send({ timeZone: 'Etc/UTC' }).expect(403);
    await service.as(key).put(`/v1/users/${other.id}/quota/override`).send({}).expect(403);
  });

  describe('of a service account', () => {
    /** A service account that `boss` makes, and a key of its. */
    const account = async (boss: TestUser, body: object, scopes: string[]) => {
      const { body: made, headers } = await service.as(boss).post('/v1/service-accounts').send(body).expect(201);
      expect(headers.location).toBe(`/v1/service-accounts/${made.id}`);
      const { body: key } = await service.as(boss).post(`/v1/users/${made.id}/api-keys`).send({ name: 'program', scopes }).expect(201);
      return { id: made.id as number, etag: headers.etag, keyId: key.id as number, key: key.key as string };
    };

    it('go on when whoever made it is suspended, demoted and deleted, and are named as actor', async () => {
      const boss = await makeAdmin(service);
      const program = await account(boss, { name: 'billing', role: 'admin', reason: 'invoices' }, ['admin', 'service', 'requests:write']);
      await service.sql(`UPDATE users SET status = 'suspended' WHERE id = $1`, [boss.id]);
      await isDead(boss.key);
      await service.sql(`UPDATE users SET role = 'user' WHERE id = $1`, [boss.id]);
      await service.as(admin).delete(`/v1/users/${boss.id}`).expect(204);
      for (const replica of service.replicas) await replica.as(program).get('/v1/users?limit=1').expect(200);
      await service.as(program).post('/v1/requests').send({ type: 'x', userId: user.id }).expect(201);
      await service.as(program).post(`/v1/users/${user.id}/quota/reset`).send({ reason: 'by a program' }).expect(200);
      const { body } = await service.as(admin).get(`/v1/audit-events?actorId=${program.id}&action=quota.reset`).expect(200);
      expect(body.items[0].actor).toEqual({ kind: 'key', id: program.id, keyId: program.keyId, serviceAccount: 'billing' });
      const made = await service.as(admin).get(`/v1/audit-events?action=service-account.create&targetId=${program.id}`).expect(200);
      expect(made.body.items).toEqual([expect.objectContaining({ reason: 'invoices', actor: expect.objectContaining({ id: boss.id }) })]);
    });

    it('stop while it is disabled, everywhere, and work again once it is enabled', async () => {
      const program = await account(admin, { name: 'gateway' }, ['service']);
      const at = `/v1/service-accounts/${program.id}`;
      const { body, headers } = await service.as(admin).patch(at).set('if-match', program.etag).send({ disabled: true, name: 'edge' }).expect(200);
      expect(body).toEqual({ id: program.id, name: 'edge', role: 'user', disabled: true, createdAt: expect.stringMatching(/Z$/) });
      await isDead(program.key);
      await service.as(admin).patch(at).set('if-match', program.etag).send({ disabled: false }).expect(412);
      await service.as(admin).patch(at).set('if-match', headers.etag).send({ disabled: false }).expect(200);
      for (const replica of [0, 1]) await eventually(() => works(program.key, replica));
      const { body: log } = await service.as(admin).get(`/v1/audit-events?targetKind=service-account&targetId=${program.id}`).expect(200);
      expect(log.items.map(({ action }: { action: string }) => action)).toEqual(['service-account.update', 'service-account.update', 'service-account.create']);
    });

    it('are rotated with an overlap and revoked as any', async () => {
      const program = await account(admin, { name: 'nightly' }, ['service']);
      const at = `/v1/users/${program.id}/api-keys/${program.keyId}`;
      const { body } = await service.as(admin).post(`${at}/rotate`).send({ overlapSeconds: 600 }).expect(200);
      for (const key of [program.key, body.key]) await works(key, 1);
      await service.as(admin).delete(at).expect(204);
      for (const key of [program.key, body.key]) await isDead(key);
    });

    it('belong to nobody who could log in: it takes no password and no address, is asked for no second factor, and is no administrator that is left', async () => {
      const program = await account(admin, { name: 'deploys', role: 'admin' }, ['admin']);
      const at = `/v1/users/${program.id}`;
      const refused = await service.as(admin).patch(at).send({ email: 'somebody@example.com' }).expect(400);
      expect(refused.body.errors).toEqual([expect.objectContaining({ pointer: '#/email', code: 'service-account' })]);
      await service.as(admin).put(`${at}/password`).send({ newPassword: 'correct horse battery' }).expect(404);
      await writeSettingEverywhere(service, admin, 'auth.requireTotpForAdmins', true);
      await service.as(admin).get('/v1/users').expect(403);
      await service.as(program).get('/v1/users').expect(200);
      await writeSettingEverywhere(service, { ...admin, key: program.key }, 'auth.requireTotpForAdmins', false);
      await service.sql(`UPDATE users SET status = 'suspended' WHERE role = 'admin' AND id NOT IN ($1, $2)`, [admin.id, program.id]);
      const last = await service.as(program).delete(`/v1/users/${admin.id}`).expect(409);
      expect(last.body.code).toBe('last-admin');
    });

    it('are administrators’ to make, under a name of its own, and shown to viewers', async () => {
      const viewer = await makeUser(service, { role: 'viewer', scopes: ['admin'] });
      const { body } = await service.as(admin).post('/v1/service-accounts').send({ name: 'reports', role: 'viewer' }).expect(201);
      const taken = await service.as(admin).post('/v1/service-accounts').send({ name: 'reports' }).expect(409);
      expect(taken.body.code).toBe('service-account-name-taken');
      const other = await service.as(admin).post('/v1/service-accounts').send({ name: 'reports-2' }).expect(201);
      await service.as(admin).patch(`/v1/service-accounts/${other.body.id}`).send({ name: 'reports' }).expect(409);
      for (const bad of [
        {},
        { name: '' },
        { name: 'Reports' },
        { name: '-a' },
        { name: 'a'.repeat(101) },
        { name: 'x', role: 'root' },
        { name: 'x', role: null },
      ])
        await service.as(admin).post('/v1/service-accounts').send(bad).expect(400);
      for (const bad of [{ name: null }, { disabled: 'yes' }, { role: 'admin' }])
        await service.as(admin).patch(`/v1/service-accounts/${other.body.id}`).send(bad).expect(400);
      await service.as(admin).patch(`/v1/service-accounts/${user.id}`).send({ disabled: true }).expect(404);
      await service.as(admin).get(`/v1/service-accounts/${admin.id}`).expect(404);
      expect((await service.as(viewer).get(`/v1/service-accounts/${body.id}`).expect(200)).body).toEqual(body);
      const pages = await service.as(viewer).get('/v1/service-accounts?limit=1').expect(200);
      expect(pages.body).toEqual({ items: [expect.objectContaining({ name: expect.any(String) })], nextCursor: expect.any(String) });
      for (const call of [service.as(viewer).post('/v1/service-accounts').send({ name: 'y' }), service.as(user).get('/v1/service-accounts')])
        await call.expect(403);
      await service.as(admin).delete(`/v1/users/${other.body.id}`).expect(204);
      await service.as(admin).get(`/v1/service-accounts/${other.body.id}`).expect(404);
      await service.as(admin).post('/v1/service-accounts').send({ name: 'reports-2' }).expect(201);
    });
  });
});
