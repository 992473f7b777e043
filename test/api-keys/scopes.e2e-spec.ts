import { includesRole, OPERATOR_ROLES, type OperatorRole, type Scope, SCOPES } from '../../src/common/principal';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { eventually } from '../support/eventually';
import { filled, type Route, routesOf } from '../support/routes';
import { type Service, startService } from '../support/service';

const METHODS = new Set(['get', 'post', 'put', 'patch', 'delete']);

describe('scopes', () => {
  let service: Service;
  let routes: Route[];
  beforeAll(async () => {
    service = await startService();
    routes = routesOf(service.app).filter(({ method }) => METHODS.has(method));
  });
  afterAll(() => service.close());

  const keyWithout = async (missing: readonly Scope[], role: 'user' | 'admin' = 'user') =>
    (await makeUser(service, { role, scopes: SCOPES.filter((scope) => !missing.includes(scope)) })).key;
  const call = ({ method, path }: Route, key?: string) =>
    service
      .as(key)
      [method](filled(path))
      .send(method === 'get' ? undefined : {});
  const label = ({ method, path }: Route) => `${method} ${path}`;

  it('are asked for by a good number of routes, found by the service’s own metadata', () => {
    expect(routes.length).toBeGreaterThan(35);
    expect(new Set(routes.map(label)).size).toBe(routes.length);
  });

  it('are of no use without a credential: every route but the public ones is 401', async () => {
    for (const route of routes.filter(({ access }) => !access.public)) {
      const { status, body, headers } = await call(route);
      expect([label(route), status, body.code]).toEqual([label(route), 401, 'credentials-missing']);
      expect(headers['www-authenticate']).toMatch(/^Bearer /);
    }
  });

  it('that a route names must all be on the key', async () => {
    for (const route of routes.filter(({ access }) => access.scopes?.length)) {
      for (const scope of route.access.scopes!) {
        for (const role of ['user', 'admin'] as const) {
          // An administrator's key with the scope `admin` holds all others.
          const missing: Scope[] = role === 'admin' ? [scope, 'admin'] : [scope];
          const { status, body, headers } = await call(route, await keyWithout(missing, role));
          expect([label(route), status, body.code, body.scopes]).toEqual([label(route), 403, 'scope-required', [scope]]);
          expect(headers['www-authenticate']).toContain('error="insufficient_scope"');
        }
      }
    }
  });

  it('do not open the account itself: that takes a session, or an administrator’s key with admin', async () => {
    const keys = [await keyWithout([]), await keyWithout(['admin'], 'admin')];
    for (const route of routes.filter(({ access }) => access.accountOwner)) {
      for (const key of keys) {
        const { status, body } = await call(route, key);
        expect([label(route), status, body.code]).toEqual([label(route), 403, 'scope-required']);
      }
    }
  });

  it('do not make an administrator: the role does, with the scope admin on its keys', async () => {
    const user = await keyWithout([]);
    const withoutScope = await keyWithout(['admin'], 'admin');
    for (const route of routes.filter(({ access }) => access.adminOnly)) {
      const asUser = await call(route, user);
      expect([label(route), asUser.status, asUser.body.code]).toEqual([label(route), 403, 'admin-required']);
      const asAdmin = await call(route, withoutScope);
      expect([label(route), asAdmin.status, asAdmin.body.code]).toEqual([label(route), 403, 'scope-required']);
    }
  });

  it('are all that a key has: one route opens with just the scope that it names', async () => {
    const only = async (...scopes: Scope[]) => service.as(await makeUser(service, { scopes }));
    await (await only('quota:read')).get('/v1/users/me/quota').expect(200);
    await (await only('requests:read')).get('/v1/requests').expect(200);
    await (await only('requests:write')).post('/v1/requests').send({ type: 'x' }).expect(201);
    await (await only('configurations:read')).get('/v1/users/me/configurations').expect(200);
  });

  describe('by the role of an operator', () => {
    const LESSER = OPERATOR_ROLES.filter((role) => role !== 'admin');
    // `service` reaches others by itself, whoever has it.
    const scopes = SCOPES.filter((scope) => scope !== 'service' && scope !== 'worker');
    const operator = (role: OperatorRole): Promise<TestUser> => makeUser(service, { role, scopes });

    it.each(LESSER)('open to %s what declares that role or a smaller one, and no other route for operators', async (role) => {
      const { key } = await operator(role);
      for (const route of routes.filter(({ access }) => access.adminOnly)) {
        const { operator: needed = 'admin' } = route.access;
        const { status, body } = await call(route, key);
        if (includesRole(role, needed)) expect([label(route), status === 401 || status === 403]).toEqual([label(route), false]);
        else {
          const roles = OPERATOR_ROLES.filter((other) => includesRole(other, needed));
          expect([label(route), status, body.code, body.roles]).toEqual([label(route), 403, 'admin-required', roles]);
        }
      }
    });

    it.each(LESSER)('lead %s to other accounts by the routes that declare that role, and by no other', async (role) => {
      const [lesser, admin] = [(await operator(role)).key, (await makeAdmin(service)).key];
      const ofAccounts = routes.filter(({ access, path }) => !access.adminOnly && path.includes(':userId'));
      expect(ofAccounts.length).toBeGreaterThan(15);
      for (const route of ofAccounts) {
        const answer = async (key: string) => {
          const { id } = await makeUser(service);
          const { status, body } = await service
            .as(key)
            [route.method](filled(route.path, { userId: String(id) }))
            .send(route.method === 'get' ? undefined : {});
          return [label(route), status, body.code];
        };
        const got = await answer(lesser);
        if (includesRole(role, route.access.operator ?? 'admin')) expect(got).toEqual(await answer(admin));
        else expect(got[1]).toBeGreaterThanOrEqual(400);
      }
    });

    it('are for reading alone with viewer, and for overrides, resets and cancels as well with support', async () => {
      const other = await makeUser(service);
      const submitted = async () => (await service.as(other).post('/v1/requests').send({ type: 'x' }).expect(201)).body.id as string;
      const [viewer, support] = [service.as(await operator('viewer')), service.as(await operator('support'))];
      const request = await submitted();
      for (const as of [viewer, support]) {
        await as.get(`/v1/requests/${request}`).expect(200);
        expect((await as.get(`/v1/requests?userId=${other.id}`).expect(200)).body.items).toHaveLength(1);
        expect(
          (await as.get('/v1/configurations?limit=100').expect(200)).body.items.some(({ visibility }: { visibility: string }) => visibility !== 'public'),
        ).toBe(true);
        for (const path of ['/v1/users', '/v1/audit-events', '/v1/jobs', `/v1/users/${other.id}/api-keys`]) await as.get(path).expect(200);
        // What another one's account is opened by, or all of it at once, is an administrator's.
        for (const path of ['export', 'sessions']) await as.get(`/v1/users/${other.id}/${path}`).expect(403);
        await as.post(`/v1/users/${other.id}/api-keys`).send({ name: 'x' }).expect(403);
        await as.patch(`/v1/users/${other.id}`).send({ role: 'admin' }).expect(403);
      }
      await viewer.post(`/v1/requests/${request}/cancel`).expect(404);
      await viewer.put(`/v1/users/${other.id}/quota/override`).send({ dailyQuota: 5 }).expect(403);
      await support.post(`/v1/requests/${request}/cancel`).expect(200);
      await submitted();
      await support.post(`/v1/users/${other.id}/quota/reset`).send({ reason: 'outage' }).expect(200);
      await support.put(`/v1/users/${other.id}/quota/override`).send({ dailyQuota: 5, expiresAt: '2090-01-01T00:00:00Z', reason: 'good customer' }).expect(200);
      await support.delete(`/v1/users/${other.id}/quota/override`).expect(204);
    });

    it('are of no use to a key without admin, and are taken out of keys when the role becomes a smaller one', async () => {
      const without = await makeUser(service, { role: 'support', scopes: ['requests:read', 'quota:read'] });
      const other = await makeUser(service);
      await service.as(without).get(`/v1/users/${other.id}/quota`).expect(404);
      expect((await service.as(without).get('/v1/users').expect(403)).body).toMatchObject({ code: 'scope-required', scopes: ['admin'] });
      const admin = service.as(await makeAdmin(service));
      const support = await operator('support');
      await admin.patch(`/v1/users/${support.id}`).send({ role: 'viewer', reason: 'moves on' }).expect(200);
      await eventually(() => service.as(support).get('/v1/users').expect(403));
      expect(await service.sql('SELECT scopes FROM api_keys WHERE user_id = $1', [support.id])).toEqual([
        { scopes: scopes.filter((scope) => scope !== 'admin') },
      ]);
    });
  });
});
