import { eventually } from '../support/eventually';
import { promisesByTheClock } from '../support/clock-promises';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { inTransaction, untilBlocked } from '../support/waiting';

promisesByTheClock();

/** Far more than a charge takes on a busy machine, far less than a lock is held. */
const SOON_MS = 2_000;

describe('a row that somebody holds', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService({ environment: { ADMISSION_QUEUE_LIMIT: 64 } });
  });
  afterAll(() => service.close());

  const submit = (user: TestUser, body: object = {}, headers: Record<string, string> = {}) =>
    service
      .as(user)
      .post('/v1/requests')
      .set(headers)
      .send({ type: 'search', ...body })
      .then((answer) => answer);
  const usedBy = async ({ id }: TestUser) =>
    (await service.sql<{ used: number }>('SELECT api_quota_used_today AS used FROM users WHERE id = $1', [id]))[0]?.used;

  /** Submits of another user, one after the other, each soon answered. */
  async function othersGoOn(other: TestUser, count = 15): Promise<void> {
    for (let i = 0; i < count; i++) {
      const startedAt = performance.now();
      expect((await submit(other)).status).toBe(201);
      expect(performance.now() - startedAt).toBeLessThan(SOON_MS);
    }
  }

  it('delays the charges of its user alone, and they are charged when it is free', async () => {
    const held = await makeUser(service);
    const other = await makeUser(service);
    await Promise.all([submit(held), submit(other)]);
    await inTransaction(service, async (client) => {
      await client.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [held.id]);
      let answered = 0;
      const waiting = Array.from({ length: 6 }, () => submit(held).finally(() => answered++));
      await untilBlocked(service, 1);
      await othersGoOn(other);
      expect(answered).toBe(0);
      await client.query('COMMIT');
      expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual(Array(6).fill(201));
    });
    expect([await usedBy(held), await usedBy(other)]).toEqual([7, 16]);
    expect((await submit(held)).status).toBe(201);
  });

  it('delays nobody who is charged together with its user, keyed or not', async () => {
    const [held, ...others] = (await Promise.all(Array.from({ length: 21 }, () => makeUser(service)))) as [TestUser, ...TestUser[]];
    await inTransaction(service, async (client) => {
      await client.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [held.id]);
      const waiting = submit(held, {}, { 'idempotency-key': 'held' });
      const startedAt = performance.now();
      const answers = await Promise.all(others.flatMap((user, i) => [submit(user), submit(user, {}, { 'idempotency-key': `key-${i}` })]));
      expect(answers.map(({ status }) => status)).toEqual(Array(40).fill(201));
      expect(performance.now() - startedAt).toBeLessThan(SOON_MS);
      await client.query('COMMIT');
      expect((await waiting).status).toBe(201);
    });
    expect((await submit(held, {}, { 'idempotency-key': 'held' })).headers['idempotency-replayed']).toBe('true');
    expect(await usedBy(held)).toBe(1);
  });

  it('is waited for so long and no longer: 503, and nothing was charged', async () => {
    const held = await makeUser(service);
    await submit(held);
    await inTransaction(service, async (client) => {
      await client.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [held.id]);
      const { status, body, headers } = await submit(held);
      expect([status, body.code, headers['retry-after']]).toEqual([503, 'temporarily-unavailable', '1']);
      expect(body.detail).toContain('It was not charged');
    });
    expect(await usedBy(held)).toBe(1);
    expect((await submit(held)).status).toBe(201);
  }, 20_000);

  it('delays those alone whose key it is, and its cap is exact afterwards', async () => {
    const capped = await makeUser(service, { dailyCap: 2 });
    const other = await makeUser(service);
    await submit(other);
    await inTransaction(service, async (client) => {
      await client.query('SELECT FROM api_keys WHERE user_id = $1 FOR UPDATE', [capped.id]);
      const waiting = Array.from({ length: 3 }, () => submit(capped));
      await untilBlocked(service, 1);
      await othersGoOn(other, 5);
      await client.query('COMMIT');
      expect((await Promise.all(waiting)).map(({ status }) => status).toSorted()).toEqual([201, 201, 429]);
    });
    expect(await usedBy(capped)).toBe(2);
  });

  it('fills an eighth of the queue at most', async () => {
    const held = await makeUser(service);
    const other = await makeUser(service);
    await Promise.all([submit(held), submit(other)]);
    await inTransaction(service, async (client) => {
      await client.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [held.id]);
      const early: string[] = [];
      const waiting = Array.from({ length: 60 }, () =>
        submit(held).then((answer) => {
          early.push(answer.body.code as string);
          return answer.status;
        }),
      );
      await eventually(() => early.length > 0);
      await othersGoOn(other, 5);
      expect(new Set(early)).toEqual(new Set(['queue-full']));
      await client.query('COMMIT');
      const statuses = await Promise.all(waiting);
      const admitted = statuses.filter((status) => status === 201).length;
      expect(admitted).toBeGreaterThanOrEqual(8);
      expect(statuses.filter((status) => status === 503)).toHaveLength(60 - admitted);
      expect(await usedBy(held)).toBe(1 + admitted);
    });
  });
});

describe('a user with nothing left', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService({ environment: { ADMISSION_QUEUE_LIMIT: 128 } });
  });
  afterAll(() => service.close());

  it('is refused as ever while they keep many batches open, and nobody else is', async () => {
    const spent = await makeUser(service, { dailyQuota: 1 });
    const other = await makeUser(service);
    const admin = await makeAdmin(service);
    const items = Array.from({ length: 100 }, () => ({ type: 'search' }));
    const batch = () => service.as(spent).post('/v1/requests/batch').send({ items });
    await batch().expect(200);
    const floods = Array.from({ length: 30 }, () => batch().then(({ body }) => body.items as { status: number }[]));
    // As many as one user may have in a queue of 128, should all of them wait at once.
    const others = Array.from({ length: 16 }, () => service.as(other).post('/v1/requests').send({ type: 'search' }));
    expect((await Promise.all(others)).map(({ status }) => status)).toEqual(Array(16).fill(201));
    const refusals = (await Promise.all(floods)).flat();
    expect(new Set(refusals.map(({ status }) => status))).toEqual(new Set([429]));
    await service.as(admin).patch(`/v1/users/${spent.id}`).send({ dailyQuota: 2 }).expect(200);
    await service.as(spent).post('/v1/requests').send({ type: 'search' }).expect(201);
    await service.as(spent).post('/v1/requests').send({ type: 'search' }).expect(429);
  });
});
