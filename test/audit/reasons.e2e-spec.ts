import { makeAdmin, makeUser, PASSWORD, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';

interface Event {
  action: string;
  reason: string | null;
}

describe('the reason for a change', () => {
  let service: Service;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startService();
    admin = await makeAdmin(service);
  });
  afterAll(() => service.close());

  const asAdmin = () => service.as(admin);
  const reasons = async () => {
    const { body } = await asAdmin().get('/v1/audit-events?limit=20').expect(200);
    return (body.items as Event[]).map(({ action, reason }) => `${action}: ${reason}`).reverse();
  };

  it('is taken for users, plans and keys, with a body or in the query, and is in the audit log', async () => {
    const { body: user } = await asAdmin().post('/v1/users').send({ email: 'new@example.com', password: PASSWORD, reason: 'a new customer' }).expect(201);
    const { body: tier } = await asAdmin().post('/v1/tiers').send({ name: 'spring', dailyQuota: 1, reason: 'an offer' }).expect(201);
    const edited = await asAdmin().patch(`/v1/tiers/${tier.id}`).send({ dailyQuota: 2, reason: 'too little' }).expect(200);
    expect(edited.body).not.toHaveProperty('reason');
    await asAdmin().patch(`/v1/users/${user.id}`).send({ tier: 'spring', reason: 'asked for it' }).expect(200);
    const { body: key } = await asAdmin().post(`/v1/users/${user.id}/api-keys`).send({ name: 'k', reason: 'their laptop' }).expect(201);
    await asAdmin().post(`/v1/users/${user.id}/api-keys/${key.id}/rotate`).query({ reason: 'it was lost' }).expect(200);
    await asAdmin().delete(`/v1/users/${user.id}/api-keys/${key.id}`).query({ reason: 'it was found' }).expect(204);
    await asAdmin().delete(`/v1/users/${user.id}`).query({ reason: 'they left' }).expect(204);
    await asAdmin().delete(`/v1/tiers/${tier.id}`).query({ reason: 'it is over' }).expect(204);
    expect(await reasons()).toEqual([
      'user.create: a new customer',
      'tier.create: an offer',
      'tier.update: too little',
      'user.update: asked for it',
      'api-key.create: their laptop',
      'api-key.rotate: it was lost',
      'api-key.revoke: it was found',
      'user.delete: they left',
      'tier.delete: it is over',
    ]);
  });

  it('is taken where an override ends, a request is canceled and a job is run, too', async () => {
    const user = await makeUser(service);
    const { body: request } = await service.as(user).post('/v1/requests').send({ type: 'x' }).expect(201);
    const override = { dailyQuota: 5, expiresAt: '2090-01-01T00:00:00Z', reason: 'a big day' };
    await asAdmin().put(`/v1/users/${user.id}/quota/override`).send(override).expect(200);
    await asAdmin().delete(`/v1/users/${user.id}/quota/override`).query({ reason: 'it is over' }).expect(204);
    await asAdmin().post(`/v1/requests/${request.id}/cancel`).query({ reason: 'it is stuck' }).expect(200);
    await asAdmin().post('/v1/jobs/quota-reset/run').query({ reason: 'to be sure' }).expect(200);
    expect((await reasons()).slice(-4)).toEqual([
      'quota.override: a big day',
      'quota.override-end: it is over',
      'request.cancel: it is stuck',
      'job.run: to be sure',
    ]);
  });

  it('has 500 characters at most, and alone changes nothing', async () => {
    const before = await reasons();
    const { body } = await asAdmin()
      .patch('/v1/users/me')
      .send({ reason: 'x'.repeat(501) })
      .expect(400);
    expect(body.errors).toMatchObject([{ pointer: '#/reason', code: 'max-length' }]);
    await asAdmin()
      .delete('/v1/tiers/pro')
      .query({ reason: 'x'.repeat(501) })
      .expect(400);
    await asAdmin().patch('/v1/users/me').send({ reason: 'none' }).expect(200);
    expect(await reasons()).toEqual(before);
  });
});
