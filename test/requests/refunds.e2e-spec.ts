import { makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { books, claim, makeWorker, newType, putSetting, submit } from './work';

describe('refunds', () => {
  let service: Service;
  let worker: TestUser;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    worker = await makeWorker(service);
  });
  afterAll(() => service.close());

  const act = (id: string, verb: string, body: object = {}, as = worker, replica = 0) =>
    service.replicas[replica].as(as).post(`/v1/requests/${id}/${verb}`).send(body);
  let admin: TestUser | undefined;
  const adminKey = async () => (admin ??= await makeUser(service, { role: 'admin' }));
  /** As if the charges of now had been made yesterday. */
  const yesterday = (user: TestUser) =>
    service.sql(
      `WITH u AS (UPDATE users SET quota_reset_date = quota_reset_date - 1 WHERE id = $1)
       UPDATE requests SET charged_on = charged_on - 1 WHERE user_id = $1`,
      [user.id],
    );
  const day = async (back: number) => (await service.sql<{ d: string }>(`SELECT ((now() AT TIME ZONE 'UTC')::date - $1::int)::text AS d`, [back]))[0].d;

  it('go to the day that was charged, not to today, before and after it is closed out', async () => {
    const user = await makeUser(service, { dailyQuota: 3 });
    const type = newType();
    const first = await submit(service, user, type);
    const second = await submit(service, user, type);
    await submit(service, user, type);
    await yesterday(user);
    await act(first.id, 'cancel', {}, user).expect(200);
    expect(await books(service, user)).toMatchObject({ used: 2, refunded: 1, days: '' });
    expect((await service.as(user).get('/v1/users/me/quota')).body).toMatchObject({ used: 0, remaining: 3 });
    await submit(service, user, type);
    expect(await books(service, user)).toMatchObject({ used: 1, refunded: 0, days: `${await day(1)} 2/1` });
    await act(second.id, 'cancel', {}, user).expect(200);
    expect(await books(service, user)).toMatchObject({ used: 1, refunded: 0, ledger: 1, days: `${await day(1)} 1/2` });
    const { body } = await service.as(user).get(`/v1/users/me/usage?from=${await day(1)}`);
    expect(body.items).toMatchObject([
      { used: 1, refunded: 2, requests: 3 },
      { used: 1, refunded: 0, requests: 1 },
    ]);
  });

  it('find the right day while midnight passes', async () => {
    const type = newType();
    for (let round = 0; round < 8; round++) {
      const user = await makeUser(service, { dailyQuota: 10 });
      const ids = await Promise.all(Array.from({ length: 5 }, async () => (await submit(service, user, type)).id));
      await yesterday(user);
      await Promise.all([
        ...ids.map((id, i) => act(id, 'cancel', {}, user, i % 2).expect(200)),
        ...[0, 1].map((replica) => service.replicas[replica].as(user).post('/v1/requests').send({ type }).expect(201)),
      ]);
      expect(await books(service, user)).toMatchObject({ used: 2, refunded: 0, ledger: 2, days: `${await day(1)} 0/5` });
    }
  });

  it('are paid once however often and from wherever a request is ended', async () => {
    const type = newType();
    const backend = await makeUser(service, { scopes: ['requests:write', 'service'] });
    for (let round = 0; round < 10; round++) {
      const user = await makeUser(service);
      const { id } = await submit(service, backend, type, { userId: user.id, cost: 7 });
      await claim(service, worker, type);
      if (round % 2) await service.sql(`UPDATE requests SET deadline_at = now() - interval '1 second' WHERE id = $1`, [id]);
      const answers = await Promise.all([
        act(id, 'complete', { attempt: 1, units: 4 }, worker, 0),
        act(id, 'fail', { attempt: 1 }, worker, 1),
        act(id, 'complete', { attempt: 1 }, worker, 1),
        act(id, 'cancel', {}, user, 1),
        claim(service.replicas[0], worker, type),
      ]);
      const { body } = await service.as(user).get(`/v1/requests/${id}`);
      expect(['succeeded', 'failed', 'canceled', 'expired']).toContain(body.status);
      const ended = answers.slice(0, 3).filter((answer) => 'status' in answer && answer.status === 200);
      expect(ended.length).toBe(round % 2 ? 0 : 1);
      const { used, refunded, ledger } = await books(service, user);
      expect({ used, refunded, ledger }).toEqual({ used: 7 - body.refundedUnits, refunded: body.refundedUnits, ledger: 7 - body.refundedUnits });
    }
  });

  it('make room for the next request at once', async () => {
    const user = await makeUser(service, { dailyQuota: 1 });
    const type = newType();
    const { id } = await submit(service, user, type);
    await service.as(user).post('/v1/requests').send({ type }).expect(429);
    await act(id, 'cancel', {}, user).expect(200);
    await submit(service, user, type);
  });

  it('give a key its own cap back, for the same day only', async () => {
    const user = await makeUser(service, { dailyCap: 2 });
    const type = newType();
    const a = await submit(service, user, type);
    const b = await submit(service, user, type);
    await service.as(user).post('/v1/requests').send({ type }).expect(429);
    await act(a.id, 'cancel', {}, user).expect(200);
    await submit(service, user, type);
    await yesterday(user);
    await service.sql(`UPDATE api_keys SET cap_reset_date = cap_reset_date - 1 WHERE user_id = $1`, [user.id]);
    await submit(service, user, type);
    await act(b.id, 'cancel', {}, user).expect(200);
    expect(await service.sql(`SELECT cap_used_today AS used FROM api_keys WHERE user_id = $1`, [user.id])).toEqual([{ used: 1 }]);
  });

  it('are not paid on top of an administrator’s reset', async () => {
    const user = await makeUser(service);
    const type = newType();
    const { id } = await submit(service, user, type);
    await service
      .as(await adminKey())
      .post(`/v1/users/${user.id}/quota/reset`)
      .send({ reason: 'test' })
      .expect(200);
    const { body } = await act(id, 'cancel', {}, user).expect(200);
    expect(body).toMatchObject({ status: 'canceled', refundedUnits: 1, refunded: 0 });
    expect(await books(service, user)).toMatchObject({ used: 0, refunded: 1, ledger: 0 });
  });

  it('by an administrator’s reset give each cap back what its key was charged for that user, and no more', async () => {
    const type = newType();
    const owner = await makeUser(service, { scopes: ['requests:write', 'service'], dailyCap: 20 });
    const other = await makeUser(service, { dailyCap: 20 });
    await submit(service, owner, type, { cost: 3 });
    await submit(service, owner, type, { userId: other.id, cost: 5 });
    await submit(service, other, type);
    const cap = async ({ id }: TestUser) =>
      (await service.sql<{ used: number }>('SELECT cap_used_today AS used FROM api_keys WHERE user_id = $1', [id]))[0].used;
    const caps = async () => [await cap(owner), await cap(other)];
    const admin = await adminKey();
    const reset = ({ id }: TestUser) => service.as(admin).post(`/v1/users/${id}/quota/reset`).send({ reason: 'test' }).expect(200);
    expect(await caps()).toEqual([8, 1]);
    await reset(owner);
    expect(await caps()).toEqual([5, 1]);
    await reset(other);
    expect(await caps()).toEqual([0, 0]);
    await reset(other);
    expect(await caps()).toEqual([0, 0]);
  });

  it('obey the policy of each way to end', async () => {
    const policy = { failed: 'none', canceledBeforeStart: 'none', canceledWhileProcessing: 'all', expired: 'unsettled' };
    await putSetting(service, 'quota.refundPolicy', policy);
    const user = await makeUser(service);
    const type = newType();
    const failed = await submit(service, user, type);
    const canceled = await submit(service, user, type);
    await claim(service, worker, type);
    expect((await act(failed.id, 'fail', { attempt: 1 }).expect(200)).body.refundedUnits).toBe(0);
    expect((await act(canceled.id, 'cancel', {}, user).expect(200)).body.refundedUnits).toBe(0);
    expect(await books(service, user)).toMatchObject({ used: 2, refunded: 0, ledger: 2 });
    await putSetting(service, 'quota.refundPolicy', null);
  });

  it('are not paid for a deadline of the user’s own once work had begun, be it under way, lost or waiting for another attempt', async () => {
    const user = await makeUser(service);
    const type = newType();
    const pass = (id: string) => service.sql(`UPDATE requests SET deadline_at = now() - interval '1 second' WHERE id = $1`, [id]);
    const waiting = await submit(service, user, type);
    const running = await submit(service, user, type);
    const returned = await submit(service, user, type);
    await service.sql(`UPDATE requests SET available_at = now() + interval '1 hour' WHERE id = $1`, [waiting.id]);
    expect(await claim(service, worker, type, { limit: 3 })).toHaveLength(2);
    await act(returned.id, 'fail', { attempt: 1, retryable: true }).expect(200);
    for (const { id } of [waiting, running, returned]) await pass(id);
    const refunded = async ({ id }: { id: string }) => (await service.as(user).get(`/v1/requests/${id}`).expect(200)).body.refundedUnits as number;
    expect([await refunded(waiting), await refunded(running), await refunded(returned)]).toEqual([1, 0, 0]);
    expect(await books(service, user)).toMatchObject({ used: 2, refunded: 1, ledger: 2 });
  });

  it('obey `expiredWhileProcessing` where it is stated, and a policy of before it was there stays valid', async () => {
    const policy = { failed: 'all', canceledBeforeStart: 'all', canceledWhileProcessing: 'unsettled', expired: 'all' };
    const admin = await adminKey();
    const path = '/v1/configurations/quota.refundPolicy';
    const expire = async () => {
      const user = await makeUser(service);
      const type = newType();
      const { id } = await submit(service, user, type);
      await claim(service, worker, type);
      await service.sql(`UPDATE requests SET deadline_at = now() - interval '1 second' WHERE id = $1`, [id]);
      return (await service.as(user).get(`/v1/requests/${id}`).expect(200)).body.refundedUnits as number;
    };
    await service.as(admin).put(path).set('if-none-match', '*').send({ value: policy }).expect(200);
    expect(await expire()).toBe(0);
    await service
      .as(admin)
      .put(path)
      .set('if-match', '*')
      .send({ value: { ...policy, expiredWhileProcessing: 'all' } })
      .expect(200);
    expect(await expire()).toBe(1);
    await putSetting(service, 'quota.refundPolicy', null);
  });

  it('stop at the cap of the day, to the unit, when many are due at once; settling below the cost does not count', async () => {
    await putSetting(service, 'quota.refundDailyCap', 10);
    const type = newType();
    const backend = await makeUser(service, { scopes: ['requests:write', 'service'] });
    const user = await makeUser(service, { dailyQuota: 1_000 });
    const make = async () => (await submit(service, backend, type, { userId: user.id, cost: 3 })).id as string;
    const ids = await Promise.all(Array.from({ length: 12 }, make));
    await claim(service, worker, type, { limit: 4 });
    const claimed = (await service.sql<{ id: string }>(`SELECT id FROM requests WHERE type = $1 AND status = 'processing'`, [type])).map(({ id }) => id);
    await Promise.all(claimed.map((id, i) => act(id, 'complete', { attempt: 1, units: 1 }, worker, i % 2).expect(200)));
    const rest = ids.filter((id) => !claimed.includes(id));
    await Promise.all(rest.map((id, i) => act(id, 'cancel', {}, user, i % 2).expect(200)));
    const { used, refunded, ledger } = await books(service, user);
    expect({ used, refunded, ledger }).toEqual({ used: 36 - 8 - 10, refunded: 18, ledger: 36 - 8 - 10 });
    await putSetting(service, 'quota.refundDailyCap', null);
  });
});
