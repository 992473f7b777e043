import { request } from 'node:http';
import { promisesByTheClock } from '../support/clock-promises';
import { makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { claim, makeWorker, newType, submit } from './work';

promisesByTheClock();

describe('a worker that waits', () => {
  let service: Service;
  let worker: TestUser;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    worker = await makeWorker(service);
  });
  afterAll(() => service.close());

  const timed = async <T>(work: Promise<T>): Promise<[T, number]> => {
    const from = performance.now();
    return [await work, performance.now() - from];
  };
  /** Waits until so many claims wait on the replica, by asking PostgreSQL nothing. */
  const idle = () => new Promise((resolve) => setTimeout(resolve, 150));

  it.each([0, 1])('gets a request that is submitted to replica %i at once', async (replica) => {
    const user = await makeUser(service);
    const type = newType();
    const answer = timed(claim(service.replicas[1], worker, type, { waitSeconds: 20 }));
    await idle();
    const { body } = await service.replicas[replica].as(user).post('/v1/requests').send({ type }).expect(201);
    const [[item], ms] = await answer;
    expect(item.id).toBe(body.id);
    expect(ms).toBeLessThan(1_500);
  });

  it('gets a retried request when its pause is over, and a lost one when its lease is', async () => {
    const user = await makeUser(service);
    const type = newType();
    const { id } = await submit(service, user, type);
    await claim(service, worker, type);
    await service.as(worker).post(`/v1/requests/${id}/fail`).send({ attempt: 1, retryable: true }).expect(200);
    const [[second], pause] = await timed(claim(service, worker, type, { waitSeconds: 20, leaseSeconds: 1 }));
    expect(second).toMatchObject({ id, attempt: 2 });
    expect(pause).toBeLessThan(3_500);
    const [[third], lease] = await timed(claim(service, worker, type, { waitSeconds: 20 }));
    expect(third).toMatchObject({ id, attempt: 3 });
    expect(lease).toBeLessThan(2_500);
  });

  it('gets nothing when the time is over', async () => {
    const [items, ms] = await timed(claim(service, worker, newType(), { waitSeconds: 1 }));
    expect(items).toEqual([]);
    expect(ms).toBeGreaterThan(950);
    expect(
      (
        await service
          .as(worker)
          .post('/v1/requests/claim')
          .send({ types: ['x'], waitSeconds: 31 })
          .expect(400)
      ).body.code,
    ).toBe('validation-failed');
  });

  it('is one of many, and each gets its own', async () => {
    const user = await makeUser(service);
    const type = newType();
    const waiting = Array.from({ length: 20 }, (_, i) => claim(service.replicas[i % 2], worker, type, { waitSeconds: 20 }));
    await idle();
    const made = await Promise.all(Array.from({ length: 20 }, () => submit(service, user, type)));
    const got = (await Promise.all(waiting)).flat().map(({ id }) => id);
    expect(got.sort()).toEqual(made.map(({ id }) => id).sort());
  });

  it('is not handed anything once it has gone', async () => {
    const user = await makeUser(service);
    const type = newType();
    const headers = { authorization: `Bearer ${worker.key}`, 'content-type': 'application/json' };
    const call = request(`${service.url}/v1/requests/claim`, { method: 'POST', headers, agent: false });
    call.on('error', () => undefined);
    call.end(JSON.stringify({ types: [type], waitSeconds: 20 }));
    await idle();
    call.destroy();
    await idle();
    const { id } = await submit(service, user, type);
    expect((await claim(service, worker, type))[0]).toMatchObject({ id, attempt: 1 });
  });

  it('is let go when the service stops', async () => {
    const own = await startService();
    const answer = timed(claim(own, await makeWorker(own), newType(), { waitSeconds: 20 }));
    await idle();
    await own.close();
    const [items, ms] = await answer;
    expect(items).toEqual([]);
    expect(ms).toBeLessThan(3_000);
  });
});
