import { makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { BAD_VALUES } from './bad-items';
import { books, claim, loseLease, makeWorker, newType, submit } from './work';

describe('results delivered in one call', () => {
  let service: Service;
  let worker: TestUser;
  beforeAll(async () => {
    service = await startService();
    worker = await makeWorker(service);
  });
  afterAll(() => service.close());

  const complete = (items: unknown) => service.as(worker).post('/v1/requests/complete').send({ items });

  it('ends 100 in one commit, in the order asked', async () => {
    const user = await makeUser(service, { dailyQuota: 100 });
    const type = newType();
    for (let n = 0; n < 100; n++) await submit(service, user, type);
    const claimed = await claim(service, worker, type, { limit: 100 });
    const { body } = await complete(claimed.map(({ id, attempt }, n) => ({ id, attempt, result: { n } }))).expect(200);
    expect(body.items.map(({ status }: { status: number }) => status)).toEqual(Array(100).fill(200));
    expect(body.items.map(({ request }: { request: { id: string; result: { n: number } } }) => [request.id, request.result.n])).toEqual(
      claimed.map(({ id }, n) => [id, n]),
    );
    expect(body.items[0].request).toMatchObject({ status: 'succeeded', refundedUnits: 0, finishedAt: expect.any(String) });
    const [commits] = await service.sql(
      `SELECT count(DISTINCT xmin::text)::int AS commits, count(*)::int FROM requests WHERE type = $1 AND status = 'succeeded'`,
      [type],
    );
    expect(commits).toEqual({ commits: 1, count: 100 });
  });

  it('refuses some while others pass, each for its own reason, and changes nothing for those', async () => {
    const user = await makeUser(service, { dailyQuota: 10 });
    const type = newType();
    for (let n = 0; n < 5; n++) await submit(service, user, type);
    const [done, lost, dear, plain, large] = await claim(service, worker, type, { limit: 5 });
    await complete([{ id: done.id, attempt: 1, result: 'first' }]).expect(200);
    await loseLease(service, lost.id);
    await claim(service, worker, type);
    const { body } = await complete([
      { id: done.id, attempt: 1, result: 'second' },
      { id: lost.id, attempt: 1 },
      { id: dear.id, attempt: 1, units: 2 },
      { id: plain.id, attempt: 1, units: 0 },
      { id: large.id, attempt: 1, result: 'x'.repeat(70_000) },
      { id: '00000000-0000-7000-8000-000000000000', attempt: 1 },
      { id: 'nobody', attempt: 1 },
      { id: plain.id, attempt: 0 },
      { id: plain.id, attempt: 1, units: -1 },
      7,
    ]).expect(200);
    expect(body.items.map(({ status }: { status: number }) => status)).toEqual([409, 409, 400, 200, 413, 404, 404, 400, 400, 400]);
    expect(body.items[1].problem).toMatchObject({ code: 'stale-attempt', currentAttempt: 2, instance: expect.stringMatching(/#\/items\/1$/) });
    expect(body.items[8].problem).toMatchObject({ code: 'validation-failed', errors: [{ pointer: '#/items/8/units' }] });
    expect(body.items[3].request).toMatchObject({ status: 'succeeded', refundedUnits: 1 });
    const { body: first } = await service.as(user).get(`/v1/requests/${done.id}`).expect(200);
    expect(first.result).toBe('first');
    expect(await books(service, user)).toMatchObject({ used: 4, ledger: 4, refunded: 1 });
  });

  it.each(BAD_VALUES)('refuses a result with %s alone: its neighbours are ended', async (_, json, status, code) => {
    const user = await makeUser(service, { dailyQuota: 10 });
    const type = newType();
    for (let n = 0; n < 3; n++) await submit(service, user, type);
    const [a, b, c] = await claim(service, worker, type, { limit: 3 });
    const item = ({ id }: { id: string }, result: string) => `{"id":"${id}","attempt":1,"result":${result}}`;
    const { body } = await service
      .as(worker)
      .post('/v1/requests/complete')
      .set('content-type', 'application/json')
      .send(`{"items":[${item(a, '"a"')},${item(b, json)},${item(c, '"c"')}]}`)
      .expect(200);
    expect(body.items).toMatchObject([
      { status: 200, request: { result: 'a', status: 'succeeded' } },
      { status, problem: { status, instance: expect.stringMatching(/#\/items\/1$/) } },
      { status: 200, request: { result: 'c', status: 'succeeded' } },
    ]);
    expect(JSON.stringify(body.items[1].problem)).toContain(code);
    expect((await service.as(user).get(`/v1/requests/${b.id}`).expect(200)).body).toMatchObject({ status: 'processing', attempt: 1 });
  });

  it('takes the first of two outcomes on one request', async () => {
    const user = await makeUser(service);
    const type = newType();
    await submit(service, user, type);
    const [{ id }] = await claim(service, worker, type);
    const { body } = await complete([
      { id, attempt: 1, result: 'first' },
      { id, attempt: 1, result: 'second' },
    ]).expect(200);
    expect(body.items).toMatchObject([{ status: 200, request: { result: 'first' } }, { status: 409 }]);
  });

  it.each([
    ['none', []],
    ['101', Array(101).fill({ id: 'x', attempt: 1 })],
    ['text', 'x'],
    ['nothing', undefined],
  ])('refuses %s as items', async (_, items) => {
    const { body } = await complete(items).expect(400);
    expect(body.errors[0].pointer).toBe('#/items');
  });

  it('is for workers alone', async () => {
    const user = await makeUser(service);
    await service
      .as(user)
      .post('/v1/requests/complete')
      .send({ items: [{ id: 'x', attempt: 1 }] })
      .expect(403);
  });
});
