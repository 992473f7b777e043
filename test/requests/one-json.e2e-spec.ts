import { readFileSync } from 'node:fs';
import { makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { claim, loseLease, makeWorker, newType, submit } from './work';

/** What JSON can hold and databases, escapes or doubles might change; the names are in the order in which jsonb keeps them. */
const PAYLOAD = {
  '': null,
  b: [0.1, -1.5, 1e21, 1e-7, 9007199254740991, 1.7976931348623157e308, 5e-324],
  long: 'x'.repeat(30),
  'a"\\\u0001/': 'Ω\u2028😀\n"\\',
  nested: { list: [], empty: {}, truth: [true, false, null] },
};

describe('a request as JSON', () => {
  let service: Service;
  let worker: TestUser;
  beforeAll(async () => {
    service = await startService();
    worker = await makeWorker(service);
  });
  afterAll(() => service.close());

  const post = async (path: string, body: object) => (await service.as(worker).post(`/v1/requests${path}`).send(body).expect(200)).text;
  /** As an object that was made of its row is answered. */
  const read = async (user: TestUser, id: string) => {
    const { attempts: _, ...request } = (await service.as(user).get(`/v1/requests/${id}`).expect(200)).body;
    return request as Record<string, unknown>;
  };
  /** The same members in the same order, each written the same. */
  const written = (value: unknown) => JSON.stringify(value);
  const claimText = async (type: string) => JSON.parse(await post('/claim', { types: [type] })).items[0] as Record<string, unknown>;
  const deadlineAt = new Date(Date.now() + 86_400_000).toISOString();

  it('has the members of the document, in one order, whichever statement made it', async () => {
    const user = await makeUser(service);
    const type = newType();
    const { schemas } = JSON.parse(readFileSync('openapi.json', 'utf8')).components;
    /** But for what only some have. */
    const members = (schema: string) => schemas[schema].required.toSorted();
    const submitted = await submit(service, user, type, { payload: PAYLOAD, deadlineAt });
    const order = Object.keys(submitted);
    expect(order.toSorted()).toEqual(members('RequestDto'));
    const claimed = await claimText(type);
    expect(Object.keys(claimed).sort()).toEqual(members('ClaimedRequestDto'));
    expect(Object.keys(claimed)).toEqual([...order, 'leaseExpiresAt']);
    expect(Object.keys(JSON.parse(await post(`/${submitted.id}/complete`, { attempt: 1 })))).toEqual(order);
  });

  it('is written alike by submit, claim, complete, batch complete, fail and cancel, and by whoever reads it afterwards', async () => {
    const user = await makeUser(service, { dailyQuota: 10 });
    const type = newType();
    const make = () => submit(service, user, type, { payload: PAYLOAD, deadlineAt });
    const first = await make();
    expect(written(first)).toBe(written(await read(user, first.id)));

    const { leaseExpiresAt, ...claimed } = await claimText(type);
    expect(written(claimed)).toBe(written(await read(user, first.id)));
    expect(leaseExpiresAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const completed = await post(`/${first.id}/complete`, { attempt: 1, result: PAYLOAD });
    expect(written(JSON.parse(completed))).toBe(written(await read(user, first.id)));
    expect(JSON.parse(completed)).toMatchObject({ payload: PAYLOAD, result: PAYLOAD, error: null });

    const second = await make();
    await claimText(type);
    const { items } = JSON.parse(await post('/complete', { items: [{ id: second.id, attempt: 1, result: 'done "well"', units: 0 }] }));
    expect(written(items[0].request)).toBe(written(await read(user, second.id)));

    const third = await make();
    await claimText(type);
    const failed = await post(`/${third.id}/fail`, { attempt: 1, error: { text: '\u0001' }, retryable: true });
    expect(JSON.parse(failed)).toMatchObject({ status: 'pending', availableAt: expect.stringMatching(/Z$/) });
    expect(written(JSON.parse(failed))).toBe(written(await read(user, third.id)));
    const { text } = await service
      .as(user)
      .post(`/v1/requests/${third.id}/cancel`)
      .expect(200)
      .expect('content-type', /^application\/json/);
    expect(written(JSON.parse(text))).toBe(written({ ...(await read(user, third.id)), refunded: 1 }));
  });

  it('bears instants to the millisecond, cut and not rounded, in whatever year', async () => {
    const user = await makeUser(service);
    const type = newType();
    const { id } = await submit(service, user, type);
    await service.sql(`UPDATE requests SET created_at = '2024-02-29 23:59:59.999999+00', deadline_at = '9999-12-31 23:59:59.0005+00' WHERE id = $1`, [id]);
    const claimed = await claimText(type);
    expect(claimed).toMatchObject({ createdAt: '2024-02-29T23:59:59.999Z', deadlineAt: '9999-12-31T23:59:59.000Z' });
  });

  it('shows a heartbeat of a cancel that was asked for', async () => {
    const user = await makeUser(service);
    const type = newType();
    const { id } = await submit(service, user, type, { payload: PAYLOAD });
    await claim(service, worker, type);
    expect(JSON.parse(await post(`/${id}/heartbeat`, { attempt: 1 }))).toMatchObject({ id, attempt: 1, cancelRequested: false });
    const { body } = await service.as(user).post(`/v1/requests/${id}/cancel`).expect(200);
    expect(body).toMatchObject({ status: 'processing', cancelRequestedAt: expect.any(String), refunded: 0 });
    expect(JSON.parse(await post(`/${id}/heartbeat`, { attempt: 1 }))).toMatchObject({ cancelRequested: true });
    await loseLease(service, id);
  });
});
