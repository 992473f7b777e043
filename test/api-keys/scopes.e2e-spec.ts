import { type Scope, SCOPES } from '../../src/common/principal';
import { makeUser } from '../support/factories';
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
});
