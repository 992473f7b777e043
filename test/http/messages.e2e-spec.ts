import { makeAdmin, makeUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { logIn } from '../support/sessions';
import { writeKey } from '../support/settings';

describe('what a refusal states', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService();
  });
  afterAll(() => service.close());

  it('names the field where each of its values is meant', async () => {
    const { accessToken } = await logIn(service, await makeUser(service));
    const { body } = await service
      .as(accessToken)
      .post('/v1/users/me/api-keys')
      .send({ name: 'x', scopes: ['all'] })
      .expect(400);
    expect(body.errors).toEqual([{ pointer: '#/scopes', detail: expect.stringMatching(/^each value in scopes must be one of/), code: 'is-in' }]);
  });

  it.each(['', 'short'])('of the password %j states from which setting its minimum length comes', async (password) => {
    const { body } = await service.as().post('/v1/auth/register').send({ email: 'new@example.com', password }).expect(400);
    const detail = 'must be at least 8 characters long, by the setting auth.passwordMinLength';
    expect(body.errors).toEqual([{ pointer: '#/password', detail, code: 'min-length' }]);
  });

  it('of a payload states from which setting its bound comes', async () => {
    await writeKey(service, await makeAdmin(service), 'requests.maxPayloadBytes', { value: 1_024 });
    const user = await makeUser(service);
    const { body } = await service
      .as(user)
      .post('/v1/requests')
      .send({ type: 'x', payload: { text: 'x'.repeat(2_000) } })
      .expect(413);
    expect(body.detail).toMatch(/1024 are taken, by the setting requests\.maxPayloadBytes\.$/);
  });

  it('shows no user’s key that it needs admin', async () => {
    const user = await makeUser(service);
    for (const call of [
      service.as(user).get('/v1/users/me/api-keys'),
      service.as(user).patch('/v1/users/me').send({ timeZone: null }),
      service.as(user).delete('/v1/users/me'),
      service.as(user).get('/v1/users'),
      service.as(user).get('/v1/audit-events'),
    ]) {
      const { headers, body } = await call.expect(403);
      expect(headers['www-authenticate']).not.toMatch(/admin/);
      // `roles` names who may; no sentence leads one to believe that a key of this user could be made to.
      expect([body.title, body.detail].join(' ')).not.toMatch(/with admin|admin scope|"admin"/);
    }
  });
});
