import { makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';

describe('a key with the scope service', () => {
  let service: Service;
  let key: TestUser;
  let other: TestUser;
  beforeAll(async () => {
    service = await startService();
    key = await makeUser(service, { scopes: ['service', 'quota:read'] });
    other = await makeUser(service);
  });
  afterAll(() => service.close());

  it.each(['', '/quota', '/usage'])('reads /v1/users/{userId}%s of every user, and of none that there is not', async (path) => {
    await service.as(key).get(`/v1/users/${other.id}${path}`).expect(200);
    await service.as(key).get(`/v1/users/999999${path}`).expect(404);
    const plain = await makeUser(service, { scopes: ['quota:read'] });
    await service.as(plain).get(`/v1/users/${other.id}${path}`).expect(404);
  });

  it('changes nothing of another user', async () => {
    await service.as(key).patch(`/v1/users/${other.id}`).send({ timeZone: 'Etc/UTC' }).expect(403);
    await service.as(key).put(`/v1/users/${other.id}/quota/override`).send({}).expect(403);
  });
});
