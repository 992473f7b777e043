import { makeAdmin, makeUser, PASSWORD, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { logIn } from '../support/sessions';

interface Event {
  id: string;
  action: string;
  actor: { kind: string; id: number | null };
  target: { kind: string; id: string };
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  reason: string | null;
  requestId: string | null;
}

describe('the audit log', () => {
  let service: Service;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startService();
    admin = await makeAdmin(service);
  });
  afterAll(() => service.close());

  const asAdmin = () => service.as(admin);
  const events = async (query: string) => (await asAdmin().get(`/v1/audit-events?${query}`).expect(200)).body.items as Event[];

  it('shows who did what to whom, before, after and in which call', async () => {
    const user = await makeUser(service, { dailyQuota: 10 });
    const of = (action: string) => events(`targetKind=user&targetId=${user.id}&action=${action}`);
    await asAdmin().patch(`/v1/users/${user.id}`).set('x-request-id', 'call-1').send({ dailyQuota: 20, timeZone: 'Europe/Berlin' }).expect(200);
    expect(await of('user.update')).toEqual([
      {
        id: expect.any(String),
        action: 'user.update',
        actor: { kind: 'key', id: admin.id },
        target: { kind: 'user', id: String(user.id) },
        before: { dailyQuota: 10, timeZone: null },
        after: { dailyQuota: 20, timeZone: 'Europe/Berlin' },
        reason: null,
        requestId: 'call-1',
        createdAt: expect.stringMatching(/Z$/),
      },
    ]);
    const { accessToken } = await logIn(service, admin);
    await service.as(accessToken).put(`/v1/users/${user.id}/password`).send({ newPassword: 'another password' }).expect(204);
    expect(await of('user.password')).toMatchObject([{ actor: { kind: 'user', id: admin.id }, before: null, after: null }]);
    await asAdmin().post(`/v1/users/${user.id}/quota/reset`).send({ reason: 'they asked nicely' }).expect(200);
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    await asAdmin().put(`/v1/users/${user.id}/quota/override`).send({ dailyQuota: 99, expiresAt, reason: 'a big day' }).expect(200);
    await asAdmin().delete(`/v1/users/${user.id}/quota/override`).expect(204);
    await asAdmin().delete(`/v1/users/${user.id}`).expect(204);
    const all = await events(`targetId=${user.id}&limit=100`);
    expect(all.map(({ reason }) => reason)).toEqual(expect.arrayContaining(['they asked nicely', 'a big day']));
    expect(all[0]).toMatchObject({ action: 'user.delete', before: { id: user.id, dailyQuota: 20 }, after: null });
    expect(all.map(({ id }) => Number(id))).toEqual(all.map(({ id }) => Number(id)).sort((a, b) => b - a));
  });

  it('holds every administrative change, and none that was refused or previewed', async () => {
    const user = await makeUser(service);
    const count = async () => (await service.sql('SELECT count(*)::int AS n FROM audit_events'))[0].n as number;
    const before = await count();
    await asAdmin().patch(`/v1/users/${user.id}`).send({ tier: 'none' }).expect(400);
    await asAdmin().patch(`/v1/users/${user.id}?dryRun=true`).send({ tier: 'pro' }).expect(200);
    await asAdmin().patch(`/v1/users/${user.id}`).set('if-match', '"old"').send({ tier: 'pro' }).expect(412);
    await asAdmin().post('/v1/users').send({ email: user.email, password: PASSWORD }).expect(409);
    expect(await count()).toBe(before);
    const { body: made } = await asAdmin().post('/v1/users').send({ email: 'made@example.com', password: PASSWORD }).expect(201);
    const { body: tier } = await asAdmin().post('/v1/tiers').send({ name: 'audited', dailyQuota: 1 }).expect(201);
    await asAdmin().patch(`/v1/tiers/${tier.id}`).send({ dailyQuota: 2 }).expect(200);
    await asAdmin().delete(`/v1/tiers/${tier.id}`).expect(204);
    const { body: key } = await asAdmin().post(`/v1/users/${made.id}/api-keys`).send({ name: 'k' }).expect(201);
    await asAdmin().post(`/v1/users/${made.id}/api-keys/${key.id}/rotate`).expect(200);
    await asAdmin().delete(`/v1/users/${made.id}/api-keys/${key.id}`).expect(204);
    expect((await events('limit=7')).map(({ action }) => action).reverse()).toEqual([
      'user.create',
      'tier.create',
      'tier.update',
      'tier.delete',
      'api-key.create',
      'api-key.rotate',
      'api-key.revoke',
    ]);
  });

  it('holds no secret', async () => {
    const user = await makeUser(service);
    const { body } = await asAdmin().post(`/v1/users/${user.id}/api-keys`).send({ name: 'canary' }).expect(201);
    const { body: next } = await asAdmin().post(`/v1/users/${user.id}/api-keys/${body.id}/rotate`).expect(200);
    await asAdmin().put(`/v1/users/${user.id}/password`).send({ newPassword: 'canary in a coal mine' }).expect(204);
    await asAdmin().post('/v1/users').set('idempotency-key', 'canary').send({ email: 'canary@example.com', password: 'canary in a coal mine' }).expect(201);
    await asAdmin().post(`/v1/users/${user.id}/api-keys`).set('idempotency-key', 'canary').send({ name: 'kept' }).expect(201);
    const tables = await service.sql<{ name: string }>(`SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`);
    for (const { name } of tables) {
      const text = JSON.stringify(await service.sql(`SELECT t::text FROM ${name} t`));
      for (const secret of [body.key, next.key, 'coal mine', user.key]) expect([name, text.includes(secret as string)]).toEqual([name, false]);
      if (name !== 'api_keys') expect([name, /qtd_[0-9A-Za-z]{9,}/.test(text)]).toEqual([name, false]);
    }
  });

  it('is read page by page, by filter, and by administrators alone', async () => {
    const first = (await asAdmin().get('/v1/audit-events?limit=2&targetKind=user').expect(200)).body;
    const second = (await asAdmin().get(`/v1/audit-events?limit=2&targetKind=user&cursor=${first.nextCursor}`).expect(200)).body;
    const ids = [...first.items, ...second.items].map(({ id }: Event) => Number(id));
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => b - a));
    await asAdmin().get(`/v1/audit-events?limit=2&cursor=${first.nextCursor}`).expect(400);
    expect((await events(`actorId=${admin.id}`)).length).toBeGreaterThan(0);
    expect(await events('actorId=999999')).toEqual([]);
    for (const query of ['actorId=me', 'limit=0', 'who=1', 'action=%00']) await asAdmin().get(`/v1/audit-events?${query}`).expect(400);
    await service
      .as(await makeUser(service))
      .get('/v1/audit-events')
      .expect(403);
    await service.as().get('/v1/audit-events').expect(401);
  });

  it('keeps no one from being deleted: it outlives whom it reports', async () => {
    const other = await makeAdmin(service);
    const user = await makeUser(service);
    await service.as(other).patch(`/v1/users/${user.id}`).send({ tier: 'pro' }).expect(200);
    await asAdmin().delete(`/v1/users/${other.id}`).expect(204);
    expect((await events(`actorId=${other.id}`))[0]).toMatchObject({ action: 'user.update', actor: { id: other.id } });
  });
});
