import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { defineKey } from '../support/settings';

describe('reading what has an ETag', () => {
  let service: Service;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startService();
    admin = await makeAdmin(service);
    await defineKey(service, admin, 'own.greeting', { value: 'hello', overridable: true, visibility: 'public' });
  });
  afterAll(() => service.close());

  it.each([
    '/v1/users/me',
    '/v1/tiers/free',
    '/v1/configurations/own.greeting',
    '/v1/configurations/quota.timeZone',
    '/v1/users/me/configurations/own.greeting',
  ])('at %s is answered 304, without a body, to whom has it already', async (path) => {
    const { headers } = await service.as(admin).get(path).expect(200);
    const etag = headers.etag;
    for (const tags of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const same = await service.as(admin).get(path).set('if-none-match', tags).expect(304);
      expect([same.text, same.headers.etag, same.headers['x-request-id']]).toEqual(['', etag, expect.any(String)]);
      expect(same.headers).not.toHaveProperty('content-type');
    }
    await service.as(admin).head(path).set('if-none-match', etag).expect(304);
    const other = await service.as(admin).get(path).set('if-none-match', '"other"').expect(200);
    expect(other.headers.etag).toBe(etag);
  });

  it('is answered in full once it has changed, and a problem is never left out', async () => {
    const user = await makeUser(service);
    const path = `/v1/users/${user.id}`;
    const { headers } = await service.as(admin).get(path).expect(200);
    await service.as(admin).patch(path).send({ timeZone: 'Europe/Berlin' }).expect(200);
    const { body } = await service.as(admin).get(path).set('if-none-match', headers.etag).expect(200);
    expect(body.timeZone).toBe('Europe/Berlin');
    await service.as(admin).get('/v1/users/999999').set('if-none-match', '*').expect(404);
    await service.as(admin).get('/v1/tiers').set('if-none-match', '*').expect(200);
  });
});
