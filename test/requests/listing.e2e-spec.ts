import { BooksRepository } from '../../src/ledger/books.repository';
import { JobsService } from '../../src/jobs/jobs.service';
import { makeAdmin, makeUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { type Body, books, claim, makeWorker, newType, putSetting, submit } from './work';

describe('listing and keeping requests', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService();
  });
  afterAll(() => service.close());

  it('pages in both directions without loss or doubles while requests come in', async () => {
    const user = await makeUser(service);
    const type = newType();
    for (let n = 0; n < 10; n++) await submit(service, user, type, { payload: { n } });
    const page = async (cursor?: string): Promise<Body> => (await service.as(user).get('/v1/requests').query({ limit: 3, cursor }).expect(200)).body;
    const ns = ({ items }: Body) => items.map(({ payload }: Body) => payload.n);
    const first = await page();
    expect([ns(first), first.previousCursor]).toEqual([[9, 8, 7], null]);
    const second = await page(first.nextCursor);
    await submit(service, user, type, { payload: { n: 10 } });
    const third = await page(second.nextCursor);
    const fourth = await page(third.nextCursor);
    expect([ns(second), ns(third), ns(fourth), fourth.nextCursor]).toEqual([[6, 5, 4], [3, 2, 1], [0], null]);
    const back = await page(fourth.previousCursor);
    expect(ns(back)).toEqual([3, 2, 1]);
    const back2 = await page(back.previousCursor);
    const back3 = await page(back2.previousCursor);
    const back4 = await page(back3.previousCursor);
    expect([ns(back2), ns(back3), ns(back4), back4.previousCursor]).toEqual([[6, 5, 4], [9, 8, 7], [10], null]);
    expect(ns(await page(back4.nextCursor))).toEqual([9, 8, 7]);
  });

  it('finds a rare type among many requests in both directions, page by page, and looks at a bounded number for each', async () => {
    const user = await makeUser(service);
    const type = newType();
    const found = [];
    for (let n = 0; n < 3; n++) {
      found.push((await submit(service, user, type)).id as string);
      await service.sql(
        `INSERT INTO requests (user_id, type, status, charged_on, finished_at) SELECT $1, 'other', 'succeeded', current_date, now() FROM generate_series(1, 2500)`,
        [user.id],
      );
    }
    await service.sql('ANALYZE requests');
    const page = async (cursor?: string): Promise<Body> => (await service.as(user).get('/v1/requests').query({ limit: 2, type, cursor }).expect(200)).body;
    const walk = async (which: 'nextCursor' | 'previousCursor', from?: string) => {
      const pages: Body[] = [];
      for (let cursor: string | null | undefined = from; cursor !== null; cursor = pages.at(-1)?.[which] as string | null) pages.push(await page(cursor));
      return pages;
    };
    const ids = (pages: Body[]) => pages.flatMap(({ items }) => items.map(({ id }: Body) => id));
    const older = await walk('nextCursor');
    expect(ids(older)).toEqual([...found].reverse());
    expect(older.length).toBeGreaterThan(3);
    const newer = await walk('previousCursor', older.at(-1)?.previousCursor);
    expect(ids(newer.reverse()).slice(0, 2)).toEqual([found[2], found[1]]);
    // An empty page on the way leads back as well.
    const empty = newer.find(({ items, nextCursor }) => items.length === 0 && nextCursor !== null);
    if (empty) expect(ids(await walk('nextCursor', empty.nextCursor)).at(-1)).toBe(found[0]);
  });

  it('ends a page of large payloads after a megabyte, and loses none of them on the way', async () => {
    const user = await makeUser(service);
    const type = newType();
    const payload = { text: 'x'.repeat(60_000) };
    for (let n = 0; n < 20; n++) await submit(service, user, type, { payload: { ...payload, n } });
    const page = async (cursor?: string) => service.as(user).get('/v1/requests').query({ limit: 100, cursor }).expect(200);
    const first = await page();
    expect(Buffer.byteLength(first.text)).toBeLessThan(1_100_000);
    const second = await page(first.body.nextCursor);
    const ns = [...first.body.items, ...second.body.items].map((item: Body) => item.payload.n);
    expect(ns).toEqual(Array.from({ length: 20 }, (_, n) => 19 - n));
    expect(second.body.nextCursor).toBeNull();
    expect(ns.slice(0, first.body.items.length)).toEqual((await page(second.body.previousCursor)).body.items.map((item: Body) => item.payload.n));
  });

  it('finds requests by a member of their payload and its value, as text and never as anything else', async () => {
    const user = await makeUser(service);
    const type = newType();
    const key = "'; -- $1 ?\u202e";
    for (const payload of [
      { orderId: 12 },
      { orderId: '12' },
      { orderId: { a: null } },
      { other: 12, nested: { orderId: 12 } },
      { orderId: null, [key]: 'x' },
    ]) {
      await submit(service, user, type, { payload });
    }
    const found = async (query: object) => {
      const { body } = await service.as(user).get('/v1/requests').query(query).expect(200);
      return body.items.map(({ payload }: Body) => payload.orderId);
    };
    expect(await found({ payloadKey: 'orderId' })).toEqual([null, { a: null }, '12', 12]);
    expect(await found({ payloadKey: 'orderId', payloadValue: '12', type })).toEqual(['12', 12]);
    expect(await found({ payloadKey: 'orderId', payloadValue: '{"a": null}' })).toEqual([{ a: null }]);
    expect(await found({ payloadKey: key })).toEqual([null]);
    expect(await found({ payloadKey: 'orderId', status: 'pending', limit: 1 })).toEqual([null]);
    expect(await found({ payloadKey: 'nothing' })).toEqual([]);
    expect(await found({ payloadKey: 'orderId', userId: user.id, status: 'succeeded' })).toEqual([]);
    const { body } = await service.as(user).get('/v1/requests').query({ payloadValue: '12' }).expect(400);
    expect(body.errors).toEqual([expect.objectContaining({ pointer: '#/query/payloadKey', code: 'missing' })]);
    await service.as(user).get('/v1/requests').query({ payloadKey: '' }).expect(400);
  });

  it('looks at so many requests for a page and no further, and comes to every match from either end', async () => {
    const user = await makeUser(service);
    const rare = newType();
    await submit(service, user, rare, { payload: { rare: 1 } });
    await service.sql(
      `INSERT INTO requests (id, user_id, type, status, cost, payload, charged_on, finished_at)
       SELECT gen_random_uuid(), $1, 'plenty', 'succeeded', 1, '{"many":1}', current_date, now() FROM generate_series(1, 12000)`,
      [user.id],
    );
    await service.sql(
      `UPDATE requests r SET id = (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint + n), 12, '0') || '70008000000000000000')::uuid
       FROM (SELECT id, 1000 + row_number() OVER () AS n FROM requests WHERE user_id = $1 AND type = 'plenty') s WHERE r.id = s.id`,
      [user.id],
    );
    await submit(service, user, rare, { payload: { rare: 2 } });
    const page = async (query: object): Promise<Body> => (await service.as(user).get('/v1/requests').query(query).expect(200)).body;
    for (const query of [{ type: rare }, { payloadKey: 'rare' }, { payloadKey: 'rare', payloadValue: '1' }, { status: 'failed' }]) {
      const items: Body[] = [];
      let pages = 0;
      let last: Body = { nextCursor: undefined };
      do {
        last = await page({ ...query, cursor: last.nextCursor });
        items.push(...last.items);
        pages++;
      } while (last.nextCursor !== null);
      const expected = 'status' in query ? 0 : 'payloadValue' in query ? 1 : 2;
      expect([items.length, pages]).toEqual([expected, 7]);
    }
  });

  it('takes any limit above 100 as 100, and refuses by name what is no instant, day or id', async () => {
    const user = await makeUser(service);
    const type = newType();
    await submit(service, user, type);
    const list = (query: object) => service.as(user).get('/v1/requests').query(query);
    for (const limit of ['101', '2147483648', '9'.repeat(100)]) expect((await list({ limit }).expect(200)).body.items).toHaveLength(1);
    for (const since of ['2026-01-31', '2026-01-31T00:00:00Z', '2026-01-31T00:00:00.5+05:30', '2026-01-31T00:00:00+23:59']) await list({ since }).expect(200);
    for (const since of [
      '2026-W01-1',
      '2026-001',
      '2026-02-30',
      '0000-01-01',
      '20260131',
      '2026-01-31T24:00:00Z',
      '2026-01-31T00:00:00+24:00',
      '+2026-01-31',
      '9'.repeat(8_000),
    ]) {
      const { body } = await list({ since }).expect(400);
      expect(body).toMatchObject({ code: 'validation-failed', errors: [{ pointer: '#/query/since' }] });
    }
    await service
      .as(await makeAdmin(service))
      .get('/v1/requests')
      .query({ userId: 2_147_483_647 })
      .expect(200);
    const { body } = await list({ keyId: '2147483648' }).expect(400);
    expect(body).toMatchObject({ code: 'validation-failed', errors: [{ pointer: '#/query/keyId', code: 'max' }] });
  });

  it('refuses a time that ends before it begins', async () => {
    const user = await makeUser(service);
    const list = (since: string, until: string) => service.as(user).get('/v1/requests').query({ since, until });
    const { body } = await list('2026-02-01', '2026-01-31T23:59:59Z').expect(400);
    expect(body).toMatchObject({ code: 'validation-failed', errors: [{ pointer: '#/query/since', code: 'out-of-order' }] });
    await list('2026-02-01T01:00:00+01:00', '2026-02-01').expect(200);
  });

  it('filters by the key that submitted', async () => {
    const user = await makeUser(service);
    const type = newType();
    const { id } = await submit(service, user, type);
    const [key] = await service.sql<{ id: number }>(`SELECT id FROM api_keys WHERE user_id = $1`, [user.id]);
    const list = async (keyId: number): Promise<Body> => (await service.as(user).get('/v1/requests').query({ keyId }).expect(200)).body.items;
    expect((await list(key.id)).map((item: Body) => item.id)).toEqual([id]);
    expect(await list(key.id + 1_000)).toEqual([]);
  });

  it('shows no request as waiting past its deadline, in a list or alone', async () => {
    const user = await makeUser(service);
    const type = newType();
    const ids = [(await submit(service, user, type)).id, (await submit(service, user, type)).id];
    await service.sql(`UPDATE requests SET deadline_at = now() WHERE id = ANY ($1)`, [ids]);
    expect((await service.as(user).get(`/v1/requests/${ids[0]}`)).body.status).toBe('expired');
    const { body } = await service.as(user).get('/v1/requests').query({ type });
    expect(body.items.map(({ status }: Body) => status)).toEqual(['expired', 'expired']);
    expect(await books(service, user)).toMatchObject({ used: 0, refunded: 2 });
  });

  it('expires by the job what nobody reads or claims', async () => {
    const user = await makeUser(service);
    const type = newType();
    const { id } = await submit(service, user, type);
    await service.sql(`UPDATE requests SET deadline_at = now() WHERE id = $1`, [id]);
    expect(await service.app.get(JobsService).runNow('request-expiry', 'api')).toBe(1);
    expect(await books(service, user)).toMatchObject({ used: 0, refunded: 1 });
  });

  it('removes finished requests past their retention once their day is archived, and nothing else', async () => {
    const user = await makeUser(service);
    const worker = await makeWorker(service);
    const admin = await makeAdmin(service);
    const type = newType();
    const open = await submit(service, user, type);
    const done = await submit(service, user, type);
    const today = await submit(service, user, type);
    await claim(service, worker, type, { limit: 3 });
    for (const { id } of [done, today]) await service.as(worker).post(`/v1/requests/${id}/complete`).send({ attempt: 1 }).expect(200);
    const run = () => service.app.get(JobsService).runNow('request-retention', 'api');
    const left = async () => (await service.sql<{ id: string }>(`SELECT id FROM requests WHERE user_id = $1 ORDER BY created_at`, [user.id])).length;
    // As if all had been made 40 days ago, when the user last came.
    await service.sql(
      `UPDATE requests SET id = overlay(id::text PLACING '01900000' FROM 1 FOR 8)::uuid, charged_on = charged_on - 40, created_at = created_at - interval '40 days'
       WHERE user_id = $1`,
      [user.id],
    );
    await service.sql(`UPDATE users SET quota_reset_date = quota_reset_date - 40 WHERE id = $1`, [user.id]);
    expect(await run()).toBe(0);
    await putSetting(service, 'requests.retentionDays', 30);
    expect(await run()).toBe(0);
    expect(await left()).toBe(3);
    await service.as(admin).post('/v1/jobs/quota-reset/run').expect(200);
    expect(await run()).toBe(2);
    expect(await left()).toBe(1);
    const { days } = await books(service, user);
    expect(days).toMatch(/ 3\/0$/);
    // The audit still adds up: the archive knows what was removed.
    const { differences } = await service.app.get(BooksRepository).compare();
    expect(differences.filter(({ userId, check }) => userId === user.id && check === 'history-and-ledger')).toEqual([]);
    expect(open.id).not.toBe(done.id);
    await putSetting(service, 'requests.retentionDays', null);
  });
});
