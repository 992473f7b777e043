import { AdmissionService } from '../../src/ledger/admission.service';
import { type Admitted } from '../../src/ledger/charge';
import { makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { books, claim, loseLease, makeWorker, newType, putSetting, submit } from './work';

describe('claiming', () => {
  let service: Service;
  let worker: TestUser;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    worker = await makeWorker(service);
  });
  afterAll(() => service.close());

  /** Requests of one user by plain SQL, oldest first. */
  const flood = (user: TestUser, type: string, count: number) =>
    service.sql(
      `INSERT INTO requests (id, user_id, type, charged_on)
       SELECT ('0190' || lpad(to_hex(n), 8, '0') || '7000' || '8' || substr(md5(random()::text), 1, 15))::uuid, $1, $2, current_date
       FROM generate_series(1, $3::integer) n`,
      [user.id, type, count],
    );

  it('hands out the oldest first, across users and types', async () => {
    const a = await makeUser(service);
    const b = await makeUser(service);
    const x = newType();
    const y = newType();
    const ids: string[] = [];
    for (const [user, type] of [
      [a, x],
      [b, y],
      [b, x],
      [a, y],
    ] as const)
      ids.push((await submit(service, user, type)).id);
    expect((await claim(service, worker, [x, y], { limit: 10 })).map(({ id }) => id)).toEqual(ids);
  });

  it('hands each of 300 requests to one of 20 workers on two replicas', async () => {
    const user = await makeUser(service);
    const type = newType();
    await flood(user, type, 300);
    const seen: string[] = [];
    const work = async (i: number) => {
      for (;;) {
        const items = await claim(service.replicas[i % 2], worker, type, { limit: 5 });
        if (items.length === 0) return;
        for (const { id, attempt } of items) {
          seen.push(id);
          await service.replicas[i % 2].as(worker).post(`/v1/requests/${id}/complete`).send({ attempt }).expect(200);
        }
      }
    };
    await Promise.all(Array.from({ length: 20 }, (_, i) => work(i)));
    expect([seen.length, new Set(seen).size]).toEqual([300, 300]);
  });

  it('lets nobody wait behind the flood of another, one at a time or many', async () => {
    const flooder = await makeUser(service);
    const other = await makeUser(service);
    const third = await makeUser(service);
    const type = newType();
    await flood(flooder, type, 3_000);
    await claim(service, worker, type);
    const late = await submit(service, other, type);
    expect((await claim(service, worker, type)).map(({ id }) => id)).toEqual([late.id]);
    await Promise.all(Array.from({ length: 30 }, () => submit(service, third, type)));
    const items = await claim(service, worker, type, { limit: 20 });
    expect(items.filter(({ userId }) => userId === third.id).length).toBe(10);
    expect(items.length).toBe(20);
  });

  it('finds the few among many users however many wait', async () => {
    const type = newType();
    const users = await Promise.all(Array.from({ length: 5 }, () => makeUser(service)));
    await flood(users[0], type, 1_000);
    for (const user of users.slice(1)) await submit(service, user, type);
    const items = await claim(service, worker, type, { limit: 5 });
    expect(new Set(items.map(({ userId }) => userId)).size).toBe(5);
  });

  it('keeps to the limit on what is carried out at once, by two replicas and many workers', async () => {
    const type = newType();
    await putSetting(service, 'requests.types', { [type]: { concurrency: 3 } });
    const user = await makeUser(service);
    const other = await makeUser(service);
    const probe = newType();
    await flood(user, type, 50);
    await flood(other, type, 2);
    const rounds = await Promise.all(Array.from({ length: 10 }, (_, i) => claim(service.replicas[i % 2], worker, type, { limit: 4 })));
    const items = rounds.flat();
    expect(items.filter(({ userId }) => userId === user.id).length).toBe(3);
    expect(items.filter(({ userId }) => userId === other.id).length).toBe(2);
    const mine = items.find(({ userId }) => userId === user.id);
    await service.as(worker).post(`/v1/requests/${mine.id}/complete`).send({ attempt: 1 }).expect(200);
    expect((await claim(service, worker, [type, probe], { limit: 4 })).length).toBe(1);
    await putSetting(service, 'requests.types', null);
  });

  it('passes over reservations, and counts one whose lease has run out as succeeded', async () => {
    const user = await makeUser(service);
    const type = newType();
    const payloadJson = '{}';
    const hold = {
      userId: user.id,
      keyId: null,
      keyCap: 'none',
      type,
      status: 'processing',
      cost: 1,
      payloadJson,
      idempotency: null,
      holdSeconds: 60,
    } as const;
    const { id } = (await service.app.get(AdmissionService).admit(hold)) as Admitted;
    const cancel = await service.as(user).post(`/v1/requests/${id}/cancel`).expect(200);
    expect(cancel.body).toMatchObject({ status: 'processing', refunded: 0 });
    await loseLease(service, id);
    expect(await claim(service, worker, type)).toEqual([]);
    const { body } = await service.as(user).get(`/v1/requests/${id}`);
    expect(body).toMatchObject({ status: 'succeeded', attempt: 1, refundedUnits: 0 });
    expect(await books(service, user)).toMatchObject({ used: 1, ledger: 1 });
    const { body: late } = await service.as(worker).post(`/v1/requests/${id}/fail`).send({ attempt: 1 }).expect(409);
    expect(late).toMatchObject({ code: 'request-final', currentStatus: 'succeeded' });
  });
});
