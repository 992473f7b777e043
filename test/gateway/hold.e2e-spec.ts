import { JobsService } from '../../src/jobs/jobs.service';
import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';

describe('a reservation of the gateway', () => {
  let service: Service;
  let worker: TestUser;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    worker = await makeUser(service, { scopes: ['worker'] });
  });
  afterAll(() => service.close());

  const hold = async (user: TestUser, cost = 5, seconds = 600): Promise<string> => {
    const fields = { 'x-quota-hold': String(seconds), 'x-quota-cost': String(cost) };
    return (await service.as(user).get('/v1/authorize/work').set(fields).expect(204)).headers['x-charge-id'];
  };
  const read = async (user: TestUser, id: string) => (await service.as(user).get(`/v1/requests/${id}`).expect(200)).body as Record<string, unknown>;
  const usedBy = async (user: TestUser) => (await service.as(user).get('/v1/users/me/quota').expect(200)).body.used as number;
  const runOut = (id: string) => service.sql(`UPDATE requests SET lease_expires_at = now() - interval '1 second' WHERE id = $1`, [id]);

  it('is charged at once and stays processing, attempt 1, with its lease by the clock of the database', async () => {
    const user = await makeUser(service);
    const id = await hold(user);
    expect(await read(user, id)).toMatchObject({ status: 'processing', attempt: 1, cost: 5, refundedUnits: 0, finishedAt: null });
    expect(await usedBy(user)).toBe(5);
    const [lease] = await service.sql<{ seconds: number }>(
      `SELECT extract(epoch FROM lease_expires_at - created_at)::int AS seconds FROM requests WHERE id = $1`,
      [id],
    );
    expect(lease.seconds).toBe(600);
    const over = await service.as(user).get('/v1/authorize').set({ 'x-quota-hold': '60', 'x-quota-cost': '96' }).expect(429);
    expect(over.body).toMatchObject({ used: 5, requested: 96 });
  });

  it('is settled for what it came to, and the rest goes back', async () => {
    const user = await makeUser(service);
    const id = await hold(user);
    const { body } = await service
      .as(worker)
      .post(`/v1/requests/${id}/complete`)
      .send({ attempt: 1, units: 2, result: { pages: 2 } })
      .expect(200);
    expect(body).toMatchObject({ id, status: 'succeeded', cost: 5, refundedUnits: 3, result: { pages: 2 } });
    expect(await usedBy(user)).toBe(2);
    await service.as(worker).post(`/v1/requests/${id}/fail`).send({ attempt: 1 }).expect(409);
    expect(await usedBy(user)).toBe(2);
  });

  it('is refunded when the work failed, and is never handed to another worker', async () => {
    const user = await makeUser(service);
    const id = await hold(user);
    await service
      .as(worker)
      .post('/v1/requests/claim')
      .send({ types: ['gateway'] })
      .expect(200, { items: [] });
    const { body } = await service.as(worker).post(`/v1/requests/${id}/fail`).send({ attempt: 1, retryable: true, error: 'upstream 502' }).expect(200);
    expect(body).toMatchObject({ status: 'failed', refundedUnits: 5, error: 'upstream 502' });
    expect(await usedBy(user)).toBe(0);
  });

  it('is settled once by any number of outcomes at the same time', async () => {
    const user = await makeUser(service);
    const id = await hold(user);
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const act = i % 4 < 2 ? 'complete' : 'fail';
        const { status } = await service.replicas[i % 2].as(worker).post(`/v1/requests/${id}/${act}`).send({ attempt: 1 });
        return { act, status };
      }),
    );
    // The outcome that counts is answered alike however often it comes; the other one is refused.
    expect(new Set(answers.filter(({ status }) => status === 200).map(({ act }) => act)).size).toBe(1);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 409]));
    const [row] = await service.sql<{ status: string; kept: number }>('SELECT status, cost - refunded_units AS kept FROM requests WHERE id = $1', [id]);
    expect(row).toEqual(row.status === 'succeeded' ? { status: 'succeeded', kept: 5 } : { status: 'failed', kept: 0 });
    expect(await usedBy(user)).toBe(row.kept);
  });

  it('counts as succeeded once its lease has run out, and a late outcome changes nothing', async () => {
    const user = await makeUser(service);
    const id = await hold(user, 5, 1);
    await eventually(async () => (await read(user, id)).status !== 'processing');
    expect(await read(user, id)).toMatchObject({ status: 'succeeded', refundedUnits: 0, error: null });
    const { body } = await service.as(worker).post(`/v1/requests/${id}/fail`).send({ attempt: 1 }).expect(409);
    expect(body.code).toBe('request-final');
    expect(await usedBy(user)).toBe(5);
  });

  it('is ended by the job where nobody reads it', async () => {
    const user = await makeUser(service);
    const ids = [await hold(user), await hold(user)];
    await Promise.all(ids.map(runOut));
    await service.app.get(JobsService).runNow('request-expiry', 'command');
    expect(await service.sql('SELECT DISTINCT status, refunded_units FROM requests WHERE user_id = $1', [user.id])).toEqual([
      { status: 'succeeded', refunded_units: 0 },
    ]);
  });

  it('is lengthened by a heartbeat', async () => {
    const user = await makeUser(service);
    const id = await hold(user, 5, 60);
    const { body } = await service.as(worker).post(`/v1/requests/${id}/heartbeat`).send({ attempt: 1, leaseSeconds: 600 }).expect(200);
    expect(Date.parse(body.leaseExpiresAt as string) - Date.parse((await read(user, id)).createdAt as string)).toBeGreaterThanOrEqual(600_000);
    await runOut(id);
    await service.as(worker).post(`/v1/requests/${id}/complete`).send({ attempt: 1, units: 2 }).expect(409);
    expect(await usedBy(user)).toBe(5);
  });

  it('cannot be given back by the one who pays for it', async () => {
    const user = await makeUser(service);
    const id = await hold(user);
    for (const act of ['complete', 'fail', 'heartbeat']) {
      const { body } = await service.as(user).post(`/v1/requests/${id}/${act}`).send({ attempt: 1 }).expect(403);
      expect(body.code).toBe('scope-required');
    }
    await service.as(user).post(`/v1/requests/${id}/cancel`).expect(200);
    expect(await read(user, id)).toMatchObject({ status: 'processing', refundedUnits: 0 });
    expect(await usedBy(user)).toBe(5);
    const { body } = await service
      .as(await makeAdmin(service))
      .post(`/v1/requests/${id}/cancel`)
      .expect(200);
    expect(body).toMatchObject({ status: 'canceled', refunded: 5 });
    expect(await usedBy(user)).toBe(0);
  });

  it('is made once for one Idempotency-Key, which is another call without the hold', async () => {
    const user = await makeUser(service);
    const fields = { 'idempotency-key': 'held', 'x-quota-hold': '60' };
    const first = await service.as(user).get('/v1/authorize').set(fields).expect(204);
    const again = await service.as(user).get('/v1/authorize').set(fields).expect(204);
    expect(again.headers['x-charge-id']).toBe(first.headers['x-charge-id']);
    await service.as(user).get('/v1/authorize').set('idempotency-key', 'held').expect(422);
    expect(await usedBy(user)).toBe(1);
  });

  it('is no yes any more, under the same key, once it was given back: nothing is free by asking twice', async () => {
    const user = await makeUser(service);
    const fields = { 'idempotency-key': 'given-back', 'x-quota-hold': '600', 'x-quota-cost': '5' };
    const check = (query = '') => service.as(user).get(`/v1/authorize/work${query}`).set(fields);
    const { headers } = await check().expect(204);
    expect((await check().expect(204)).headers['idempotency-replayed']).toBe('true');
    await service.as(worker).post(`/v1/requests/${headers['x-charge-id']}/fail`).send({ attempt: 1 }).expect(200);
    const { body } = await check().expect(409);
    expect(body).toMatchObject({ status: 409, code: 'charge-refunded', detail: expect.any(String), instance: expect.any(String) });
    const denied = await check('?denyStatus=403').expect(403);
    expect(denied.headers['x-quota-status']).toBe('409');
    expect(denied.body.code).toBe('charge-refunded');
    expect(await usedBy(user)).toBe(0);
    await service
      .as(user)
      .get('/v1/authorize/work')
      .set({ ...fields, 'idempotency-key': 'another' })
      .expect(204);
    expect(await usedBy(user)).toBe(5);
  });

  it.each([
    ['settled for less', 'complete', { units: 2 }, 204],
    ['settled for nothing', 'complete', { units: 0 }, 409],
    ['taken in full', 'complete', {}, 204],
    ['failed', 'fail', {}, 409],
  ])('answers a repeated check by what the charge is worth: %s', async (_, act, rest, status) => {
    const user = await makeUser(service);
    const fields = { 'idempotency-key': 'worth', 'x-quota-hold': '600', 'x-quota-cost': '5' };
    const { headers } = await service.as(user).get('/v1/authorize').set(fields).expect(204);
    await service
      .as(worker)
      .post(`/v1/requests/${headers['x-charge-id']}/${act}`)
      .send({ attempt: 1, ...rest })
      .expect(200);
    await service.as(user).get('/v1/authorize').set(fields).expect(status);
  });

  it('is no yes after an administrator’s reset gave the day back', async () => {
    const user = await makeUser(service);
    const admin = await makeAdmin(service);
    const check = () => service.as(user).get('/v1/authorize').set('idempotency-key', 'reset');
    await check().expect(204);
    await service.as(admin).post(`/v1/users/${user.id}/quota/reset`).send({ reason: 'test' }).expect(200);
    expect((await check().expect(409)).body.code).toBe('charge-refunded');
  });

  it('is refused for no time, or for longer than a lease may be', async () => {
    const user = await makeUser(service);
    for (const seconds of ['0', '3601', '86400', '-1', '1.5', 'long']) {
      const { body } = await service.as(user).get('/v1/authorize').set('x-quota-hold', seconds).expect(400);
      expect(body.errors).toMatchObject([{ pointer: '#/headers/x-quota-hold' }]);
    }
    expect(await usedBy(user)).toBe(0);
  });
});
