import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { filled, type Route, routesOf } from '../support/routes';
import { type Service, startService } from '../support/service';

describe('a body', () => {
  let service: Service;
  let admin: TestUser;
  let user: TestUser;
  beforeAll(async () => {
    service = await startService();
    admin = await makeAdmin(service);
    user = await makeUser(service);
  });
  afterAll(() => service.close());

  const call = ({ method, path }: Route, body: object) =>
    service
      .as(admin)
      [method](filled(path, { userId: String(user.id) }))
      .send(body);

  it('has its unknown members refused by every route that changes something, also where none is expected', async () => {
    const changing = routesOf(service.app).filter(({ method, path }) => ['post', 'put', 'patch', 'delete'].includes(method) && !path.includes('authorize'));
    expect(changing.length).toBeGreaterThan(25);
    for (const route of changing) {
      const { status, body } = await call(route, { 'no/such': 1 });
      const errors = expect.arrayContaining([{ pointer: '#/no~1such', detail: 'is not a known field', code: 'unknown-field' }]);
      expect([route.method, route.path, status, body]).toEqual([route.method, route.path, 400, expect.objectContaining({ code: 'validation-failed', errors })]);
    }
    expect((await service.as(admin).get(`/v1/users/${user.id}`).expect(200)).body.status).toBe('active');
  });

  it.each([[[]], ['text'], [null]])('of a route that takes none may be an empty object, and not %j', async (body) => {
    const run = () => service.as(admin).post('/v1/jobs/quota-reset/run').set('content-type', 'application/json');
    await run().send({}).expect(200);
    const answer = await run().send(JSON.stringify(body)).expect(400);
    expect(answer.body.errors).toEqual([{ pointer: '#', detail: 'must be a JSON object', code: 'is-object' }]);
  });

  it('of a PATCH may be called what it is, a merge patch, and nothing else may', async () => {
    const patch = { timeZone: 'Europe/Berlin' };
    const type = 'application/merge-patch+json';
    const { body } = await service
      .as(admin)
      .patch(`/v1/users/${user.id}`)
      .set('content-type', `${type}; charset=utf-8`)
      .send(JSON.stringify(patch))
      .expect(200);
    expect(body).toMatchObject(patch);
    const refused = await service
      .as(user)
      .post('/v1/requests')
      .set('content-type', type)
      .send(JSON.stringify({ type: 'x' }))
      .expect(415);
    expect(refused.body.code).toBe('unsupported-media-type');
  });
});
