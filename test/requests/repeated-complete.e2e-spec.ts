import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { books, claim, makeWorker, newType, submit } from './work';

describe('a result that is delivered again', () => {
  let service: Service;
  let worker: TestUser;
  beforeAll(async () => {
    service = await startService();
    worker = await makeWorker(service);
  });
  afterAll(() => service.close());

  const complete = (id: string, body: object) => service.as(worker).post(`/v1/requests/${id}/complete`).send(body);
  const claimed = async (user: TestUser) => {
    const type = newType();
    await submit(service, user, type);
    return (await claim(service, worker, type))[0].id as string;
  };

  it('is answered as the first time, alone or among many, and settles nothing twice', async () => {
    const user = await makeUser(service, { scopes: ['requests:write', 'service'] });
    const type = newType();
    await submit(service, user, type, { cost: 5 });
    const [{ id }] = await claim(service, worker, type);
    const delivery = { attempt: 1, result: { b: 1, a: [2] }, units: 2 };
    const first = await complete(id, delivery).expect(200);
    const again = await complete(id, { units: 2, result: { a: [2], b: 1 }, attempt: 1 }).expect(200);
    expect(again.text).toBe(first.text);
    const { body } = await service
      .as(worker)
      .post('/v1/requests/complete')
      .send({ items: [{ id, ...delivery }] })
      .expect(200);
    expect(body.items).toEqual([{ status: 200, request: first.body }]);
    expect(await books(service, user)).toMatchObject({ used: 2, refunded: 3, ledger: 2 });
  });

  it('is answered so when all of it was given back since', async () => {
    const user = await makeUser(service);
    const id = await claimed(user);
    await complete(id, { attempt: 1, result: 1 }).expect(200);
    await service
      .as(await makeAdmin(service))
      .post(`/v1/users/${user.id}/quota/reset`)
      .send({ reason: 'sorry' })
      .expect(200);
    expect((await complete(id, { attempt: 1, result: 1 }).expect(200)).body).toMatchObject({ status: 'succeeded', refundedUnits: 1 });
  });

  it.each([
    ['another result', { attempt: 1, result: 'other' }],
    ['no result', { attempt: 1 }],
    ['another attempt', { attempt: 2, result: 'done' }],
    ['other units', { attempt: 1, result: 'done', units: 0 }],
  ])('but with %s is refused', async (_, body) => {
    const id = await claimed(await makeUser(service));
    await complete(id, { attempt: 1, result: 'done' }).expect(200);
    expect((await complete(id, body).expect(409)).body.code).toBe('request-final');
  });

  it('to a reservation that the clock ended is refused where it would have settled for less', async () => {
    const user = await makeUser(service);
    const { headers } = await service.as(user).get('/v1/authorize').set({ 'x-quota-hold': '60', 'x-quota-cost': '5' }).expect(204);
    const id = headers['x-charge-id'];
    await service.sql(`UPDATE requests SET lease_expires_at = now() - interval '1 second' WHERE id = $1`, [id]);
    for (let i = 0; i < 2; i++) expect((await complete(id, { attempt: 1, units: 1 }).expect(409)).body.code).toBe('request-final');
    expect(await books(service, user)).toMatchObject({ used: 5, refunded: 0 });
  });
});
