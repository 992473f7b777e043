import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';

const KEY_LIST = '/v1/users/me/api-keys';

describe('a cursor', () => {
  let service: Service;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startService();
    admin = await makeAdmin(service);
    await makeUser(service);
    for (const name of ['one', 'two']) await service.as(admin).post(KEY_LIST).send({ name }).expect(201);
    for (const key of ['own.one', 'own.two']) await service.as(admin).put(`/v1/configurations/${key}`).set('if-none-match', '*').send({ value: 1 }).expect(201);
    for (const type of ['a', 'b']) await service.as(admin).post('/v1/requests').send({ type }).expect(201);
  });
  afterAll(() => service.close());

  const cursorOf = async (path: string) => (await service.as(admin).get(`${path}?limit=1`).expect(200)).body.nextCursor as string;

  it('fits the list that it came from, and no other one', async () => {
    const paths = ['/v1/users', '/v1/tiers', '/v1/audit-events', '/v1/requests', '/v1/configurations', '/v1/users/me/configurations', KEY_LIST];
    for (const from of paths) {
      const cursor = await cursorOf(from);
      expect([from, cursor]).toEqual([from, expect.stringMatching(/./)]);
      for (const to of paths) {
        const { status, body } = await service.as(admin).get(to).query({ cursor });
        expect([from, to, status, body.code]).toEqual([from, to, to === from ? 200 : 400, to === from ? undefined : 'invalid-cursor']);
      }
    }
  });

  it('does not fit the same list by another filter', async () => {
    const cursor = await cursorOf('/v1/audit-events');
    const { body } = await service.as(admin).get('/v1/audit-events').query({ cursor, action: 'api-key.create' }).expect(400);
    expect(body.code).toBe('invalid-cursor');
  });
});
