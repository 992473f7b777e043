import { makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { BAD_VALUES } from './bad-items';
import { books, newType } from './work';

describe('a batch of submits', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService();
  });
  afterAll(() => service.close());

  const send = (user: TestUser, items: unknown) => service.as(user).post('/v1/requests/batch').send({ items });

  it('admits 100 in order, in one commit', async () => {
    const user = await makeUser(service, { dailyQuota: 200 });
    const type = newType();
    const { body } = await send(
      user,
      Array.from({ length: 100 }, (_, n) => ({ type, payload: { n } })),
    ).expect(200);
    expect(body.items.map(({ status }: { status: number }) => status)).toEqual(Array(100).fill(201));
    expect(body.items.map(({ request }: { request: { payload: { n: number } } }) => request.payload.n)).toEqual([...Array(100).keys()]);
    const ids = body.items.map(({ request }: { request: { id: string } }) => request.id);
    expect(ids.toSorted()).toEqual(ids);
    expect(await service.sql(`SELECT count(DISTINCT xmin::text)::int AS commits FROM requests WHERE type = $1`, [type])).toEqual([{ commits: 1 }]);
  });

  it.each([null, 5, [], {}])('refuses an item whose idempotencyKey is %j, alone', async (idempotencyKey) => {
    const user = await makeUser(service);
    const type = newType();
    const { body } = await send(user, [{ type, idempotencyKey }, { type }]).expect(200);
    expect(body.items).toMatchObject([{ status: 400, problem: { errors: [{ pointer: '#/items/0/idempotencyKey' }] } }, { status: 201 }]);
  });

  it('refuses some while others pass, each for its own reason', async () => {
    const user = await makeUser(service, { dailyQuota: 2 });
    const type = newType();
    const items = [{ type }, { type: 'NO' }, { type, cost: 2 }, 5, { type, userId: 1 }, { type }, { type }, { type, deadlineAt: '2020-01-01T00:00:00Z' }];
    const { body } = await send(user, items).expect(200);
    expect(body.items.map(({ status }: { status: number }) => status)).toEqual([201, 400, 403, 400, 404, 201, 429, 400]);
    expect(body.items[1].problem).toMatchObject({
      code: 'validation-failed',
      errors: [{ pointer: '#/items/1/type' }],
      instance: expect.stringMatching(/#\/items\/1$/),
    });
    expect(body.items[6].problem).toMatchObject({ code: 'quota-exceeded', limit: 2, used: 2 });
    expect(await books(service, user)).toMatchObject({ used: 2, ledger: 2 });
  });

  it.each(BAD_VALUES)('refuses an item with %s alone: its neighbours are charged, and answered', async (_, json, status, code) => {
    const user = await makeUser(service, { dailyQuota: 10 });
    const type = newType();
    const call = (text: string) => service.as(user).post('/v1/requests/batch').set('content-type', 'application/json').send(text);
    const good = (n: number) => `{"type":"${type}","payload":{"n":${n}}}`;
    const { body } = await call(`{"items":[${good(0)},{"type":"${type}","payload":${json}},${good(2)}]}`).expect(200);
    expect(body.items.map((item: { status: number }) => item.status)).toEqual([201, status, 201]);
    expect(body.items[0].request.payload).toEqual({ n: 0 });
    expect(body.items[2].request.payload).toEqual({ n: 2 });
    expect(body.items[1].problem).toMatchObject({ status, detail: expect.any(String), instance: expect.stringMatching(/#\/items\/1$/) });
    expect(JSON.stringify(body.items[1].problem)).toContain(code);
    if (code !== 'malformed-json' && status === 400) expect(body.items[1].problem.errors[0].pointer).toMatch(/^#\/items\/1\/payload\/v/);
    expect(await books(service, user)).toMatchObject({ used: 2, ledger: 2 });
    await service.as(user).post('/v1/requests').set('content-type', 'application/json').send(`{"type":"${type}","payload":${json}}`).expect(status);
  });

  it('charges an item once by its own key, or by the key of the whole call', async () => {
    const user = await makeUser(service);
    const type = newType();
    const items = [{ type, idempotencyKey: `${type}-1` }, { type }, { type, idempotencyKey: `${type}-1` }];
    const call = () => service.as(user).post('/v1/requests/batch').set('idempotency-key', `"${type}"`).send({ items }).expect(200);
    const { body: first } = await call();
    const { body: second } = await call();
    expect(second.items.map(({ request }: { request: { id: string } }) => request.id)).toEqual(
      first.items.map(({ request }: { request: { id: string } }) => request.id),
    );
    expect(first.items[2].request.id).toBe(first.items[0].request.id);
    expect(await books(service, user)).toMatchObject({ used: 2, ledger: 2 });
  });

  it.each([
    ['none', []],
    ['101', Array(101).fill({ type: 'x' })],
    ['text', 'x'],
    ['nothing', undefined],
  ])('refuses %s as items', async (_, items) => {
    const { body } = await send(await makeUser(service), items).expect(400);
    expect(body.errors[0].pointer).toBe('#/items');
  });
});
