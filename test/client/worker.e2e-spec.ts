import { type Client } from '../../packages/client/src/client';
import { CancelRequested, LeaseLost, PermanentError } from '../../packages/client/src/work-errors';
import { type HandlerContext } from '../../packages/client/src/work-in-hand';
import { type Worker } from '../../packages/client/src/worker';
import { books, claim, loseLease, makeWorker, newType, putSetting, submit } from '../requests/work';
import { promisesByTheClock } from '../support/clock-promises';
import { eventually } from '../support/eventually';
import { makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { clientOf, scriptedFetch, startWorker, type Workers } from './clients';

promisesByTheClock();

const never = () => new Promise<never>(() => undefined);
const abortOf = ({ signal }: HandlerContext) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));

describe('a worker', () => {
  let service: Service;
  let workerUser: TestUser;
  let client: Client;
  let user: TestUser;
  const workers: Worker[] = [];
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    await putSetting(service, 'requests.retryBaseSeconds', 0);
    workerUser = await makeWorker(service);
    client = clientOf(service, workerUser);
  });
  beforeEach(async () => (user = await makeUser(service, { dailyQuota: 1_000 })));
  afterEach(() => Promise.all(workers.splice(0).map((worker) => worker.stop())));
  afterAll(() => service.close());

  const start = (options: Omit<Workers, 'client'> & { client?: Client }): Worker => {
    const worker = startWorker({ client, ...options });
    workers.push(worker);
    return worker;
  };
  const read = async (id: string) => (await service.as(user).get(`/v1/requests/${id}`).expect(200)).body;
  const ended = async (id: string, status: string) => {
    await eventually(async () => ['succeeded', 'failed', 'canceled'].includes((await read(id)).status), 10_000);
    const body = await read(id);
    expect(body.status).toBe(status);
    return body;
  };

  it('delivers what the handler returns as the result, whatever JSON it is', async () => {
    const type = newType();
    start({ types: [type], handler: ({ payload }) => payload.give });
    for (const give of [{ lines: 3 }, [1, 'two'], 'text', 0, null]) {
      const { id } = await submit(service, user, type, { payload: { give } });
      expect((await ended(id, 'succeeded')).result).toEqual(give);
    }
  });

  it('has as many requests under way as it may, and no more', async () => {
    const type = newType();
    for (let i = 0; i < 5; i++) await submit(service, user, type);
    const finish: (() => void)[] = [];
    start({ types: [type], concurrency: 2, handler: () => new Promise<void>((resolve) => finish.push(resolve)) });
    for (let begun = 2; begun <= 6; begun++) {
      await eventually(() => finish.length >= Math.min(begun, 5));
      const [{ n }] = await service.sql(`SELECT count(*)::int AS n FROM requests WHERE type = $1 AND status = 'processing'`, [type]);
      expect(n).toBeLessThanOrEqual(2);
      finish[begun - 2]();
    }
    await eventually(async () => (await service.sql(`SELECT 1 FROM requests WHERE type = $1 AND status = 'succeeded'`, [type])).length === 5);
  });

  it('settles for the units that the handler states, and keeps the charge where it states none', async () => {
    const type = newType();
    const caller = await makeUser(service, { scopes: ['requests:write', 'service'] });
    start({ types: [type], handler: ({ payload }, { settle }) => void (payload.units !== undefined && settle(payload.units as number)) });
    for (const [units, refundedUnits] of [
      [3, 7],
      [0, 10],
      [undefined, 0],
    ]) {
      const { id } = await submit(service, caller, type, { userId: user.id, cost: 10, payload: { units } });
      expect(await ended(id, 'succeeded')).toMatchObject({ refundedUnits });
    }
    expect(await books(service, user)).toMatchObject({ used: 13, refunded: 17, ledger: 13 });
  });

  it('fails for good when the result is not taken or is not JSON', async () => {
    const type = newType();
    const errors: unknown[] = [];
    start({ types: [type], errors, handler: ({ payload }, { settle }) => (payload.over ? void settle(2) : 1n) });
    const over = await submit(service, user, type, { payload: { over: true } });
    expect((await ended(over.id, 'failed')).error).toMatchObject({ name: 'ProblemError' });
    const big = await submit(service, user, type);
    expect((await ended(big.id, 'failed')).error).toEqual({ name: 'PermanentError', message: 'The result is not JSON.' });
    expect(errors).toHaveLength(2);
    expect(await books(service, user)).toMatchObject({ used: 0, refunded: 2, ledger: 0 });
  });

  it('has what the handler throws tried again, and a PermanentError not', async () => {
    const type = newType();
    start({
      types: [type],
      handler({ payload, attempt }) {
        if (payload.hopeless) throw new PermanentError('no such document');
        if (attempt === 1) throw new RangeError('not today');
        return attempt;
      },
    });
    const { id } = await submit(service, user, type);
    const body = await ended(id, 'succeeded');
    expect(body).toMatchObject({
      result: 2,
      attempts: [{ outcome: 'returned', error: { name: 'RangeError', message: 'not today' } }, { outcome: 'succeeded' }],
    });
    const hopeless = await submit(service, user, type, { payload: { hopeless: true } });
    expect(await ended(hopeless.id, 'failed')).toMatchObject({ attempt: 1, error: { name: 'PermanentError', message: 'no such document' } });
    expect(await books(service, user)).toMatchObject({ used: 1, refunded: 1, ledger: 1 });
  });

  it('keeps the lease by heartbeats while the handler works, and at its report', async () => {
    const type = newType();
    const { id } = await submit(service, user, type);
    const lease = async () =>
      (await service.sql<{ ms: number }>(`SELECT extract(epoch FROM lease_expires_at - started_at) * 1000 AS ms FROM requests WHERE id = $1`, [id]))[0].ms;
    let context: HandlerContext | undefined;
    let finish = () => {};
    start({ types: [type], leaseSeconds: 3, handler: (_, given) => ((context = given), new Promise<void>((resolve) => (finish = resolve))) });
    await eventually(() => context !== undefined);
    const before = Number(await lease());
    await context!.heartbeat();
    expect(Number(await lease())).toBeGreaterThan(before);
    // Twice the lease: only heartbeats of the worker's own reach that.
    await eventually(async () => Number(await lease()) > 6_000, 15_000);
    finish();
    expect(await ended(id, 'succeeded')).toMatchObject({ attempt: 1 });
  });

  it('aborts the handler when the request is canceled, and the request ends as canceled', async () => {
    const type = newType();
    const { id } = await submit(service, user, type);
    const reasons: unknown[] = [];
    start({
      types: [type],
      leaseSeconds: 3,
      handler: (_, context) => abortOf(context).catch((reason: unknown) => (reasons.push(reason), Promise.reject(reason as Error))),
    });
    await eventually(async () => (await read(id)).status === 'processing');
    await service.as(user).post(`/v1/requests/${id}/cancel`).expect(200);
    expect(await ended(id, 'canceled')).toMatchObject({ attempt: 1, error: { name: 'CancelRequested' } });
    expect(reasons).toEqual([expect.any(CancelRequested)]);
    expect(await books(service, user)).toMatchObject({ used: 0, refunded: 1 });
  });

  it('aborts the handler when the lease is lost, and drops its result', async () => {
    const type = newType();
    const errors: unknown[] = [];
    const { id } = await submit(service, user, type);
    let aborted: unknown;
    const slow = start({
      types: [type],
      errors,
      leaseSeconds: 3,
      handler: (_, context) => abortOf(context).catch((reason: unknown) => ((aborted = reason), 'too late')),
    });
    await eventually(async () => (await read(id)).status === 'processing');
    const stopped = slow.stop();
    // A heartbeat may come in between and save it once.
    await eventually(async () => {
      await loseLease(service, id);
      return (await claim(service, workerUser, type)).some(({ attempt }) => attempt === 2);
    });
    await stopped;
    expect(aborted).toBeInstanceOf(LeaseLost);
    expect(errors).toEqual([aborted]);
    await service.as(workerUser).post(`/v1/requests/${id}/complete`).send({ attempt: 2, result: 'in time' }).expect(200);
    expect(await ended(id, 'succeeded')).toMatchObject({ result: 'in time', attempt: 2 });
  });

  it('gives the lease up by its own clock when the service cannot be reached', async () => {
    const type = newType();
    const errors: unknown[] = [];
    await submit(service, user, type);
    const cut = scriptedFetch(({ url }) => (url.endsWith('/heartbeat') ? Promise.reject(new TypeError('fetch failed')) : undefined));
    const worker = start({ client: clientOf(service, workerUser, cut), types: [type], errors, leaseSeconds: 1, handler: (_, context) => abortOf(context) });
    await eventually(() => errors.some((error) => error instanceof LeaseLost), 10_000);
    await worker.stop();
    expect(cut.calls.some(({ url }) => url.endsWith('/fail'))).toBe(false);
  });

  it('completes once when the answer to it gets lost, and when the service is away for a while', async () => {
    const type = newType();
    for (const arrives of [true, false]) {
      const errors: unknown[] = [];
      let losses = 2;
      const flaky = scriptedFetch(({ url }, _, send) => {
        if (!url.endsWith('/complete') || losses-- <= 0) return undefined;
        return (arrives ? send() : Promise.resolve()).then(() => Promise.reject(new TypeError('fetch failed')));
      });
      const worker = start({ client: clientOf(service, workerUser, flaky, { max: arrives ? 4 : 0 }), types: [type], errors, handler: () => 'done' });
      const { id } = await submit(service, user, type);
      expect(await ended(id, 'succeeded')).toMatchObject({ result: 'done', attempt: 1 });
      await worker.stop();
      expect(errors).toHaveLength(arrives ? 0 : 2);
    }
    expect(await books(service, user)).toMatchObject({ used: 2, refunded: 0 });
  });

  it('delivers results that are there together in one call, of which one may be refused, and each alone when they are too large together', async () => {
    const type = newType();
    const errors: unknown[] = [];
    const payloads = [...Array.from({ length: 5 }, () => ({})), { over: true }, ...Array.from({ length: 5 }, () => ({ large: true }))];
    const { items } = (
      await service
        .as(user)
        .post('/v1/requests/batch')
        .send({ items: payloads.map((payload) => ({ type, payload })) })
        .expect(200)
    ).body as { items: { request: { id: string } }[] };
    const counting = scriptedFetch(() => undefined);
    let begun = 0;
    let finish: () => void;
    const small = new Promise<void>((resolve) => (finish = resolve));
    let finishLarge: () => void;
    const large = new Promise<void>((resolve) => (finishLarge = resolve));
    start({
      client: clientOf(service, workerUser, counting),
      types: [type],
      errors,
      concurrency: payloads.length,
      async handler({ payload }, { settle }) {
        begun++;
        await (payload.large ? large : small);
        if (payload.over) settle(2);
        return payload.large ? 'x'.repeat(60_000) : 'done';
      },
    });
    const completes = () => counting.calls.map(({ url }) => url.slice(url.indexOf('/v1'))).filter((path) => path.endsWith('/complete'));
    await eventually(() => begun === payloads.length);
    finish!();
    for (const [i, { request }] of items.slice(0, 6).entries()) await ended(request.id, i === 5 ? 'failed' : 'succeeded');
    expect(completes()).toEqual(['/v1/requests/complete']);
    expect(errors).toEqual([expect.objectContaining({ status: 400 })]);
    finishLarge!();
    for (const { request } of items.slice(6)) await ended(request.id, 'succeeded');
    expect(completes().slice(1).sort()).toEqual(
      ['/v1/requests/complete', ...items.slice(6).map(({ request }) => `/v1/requests/${request.id}/complete`)].sort(),
    );
    expect(await books(service, user)).toMatchObject({ used: 10, refunded: 1, ledger: 10 });
  });

  /** Results that are there together, and go to the service in one call. */
  async function together(type: string, results: unknown[], fetch?: ReturnType<typeof scriptedFetch>): Promise<{ ids: string[]; errors: unknown[] }> {
    const errors: unknown[] = [];
    const ids: string[] = [];
    for (const n of results.keys()) ids.push((await submit(service, user, type, { payload: { n } })).id);
    let begun = 0;
    let finish = () => {};
    const all = new Promise<void>((resolve) => (finish = resolve));
    start({
      client: clientOf(service, workerUser, fetch, { max: 0 }),
      types: [type],
      errors,
      concurrency: results.length,
      async handler({ payload }) {
        if (++begun === results.length) finish();
        await all;
        const result = results[payload.n as number];
        if (result instanceof Error) throw result;
        return result;
      },
    });
    return { ids, errors };
  }
  const ofTheCall = ({ url }: Request) => url.endsWith('/v1/requests/complete');

  it.each([
    ['a NUL', 'a\0b'],
    ['half of a surrogate pair', '\ud800'],
    ['too many levels', JSON.parse('['.repeat(40) + ']'.repeat(40)) as unknown],
    ['too many bytes', 'x'.repeat(70_000)],
  ])('fails a result with %s alone, and none of its neighbours', async (_, bad) => {
    const counting = scriptedFetch(() => undefined);
    const { ids, errors } = await together(newType(), ['a', bad, 'c'], counting);
    expect(await ended(ids[0], 'succeeded')).toMatchObject({ result: 'a', attempt: 1 });
    expect(await ended(ids[2], 'succeeded')).toMatchObject({ result: 'c', attempt: 1 });
    expect(await ended(ids[1], 'failed')).toMatchObject({ attempt: 1, error: { name: 'ProblemError' } });
    expect(counting.calls.filter(({ url }) => url.endsWith('/complete'))).toHaveLength(1);
    expect(errors).toHaveLength(1);
  });

  it.each([400, 404, 409, 413, 415, 422])('fails none of the results of a call that is refused as a whole with %s: each is delivered alone', async (status) => {
    const spoiled = scriptedFetch((request) =>
      ofTheCall(request) ? Promise.resolve(Response.json({ code: 'x', detail: 'no', status }, { status })) : undefined,
    );
    const { ids, errors } = await together(newType(), ['a', 'b', 'c'], spoiled);
    for (const [i, id] of ids.entries()) expect(await ended(id, 'succeeded')).toMatchObject({ result: 'abc'[i], attempt: 1 });
    expect(spoiled.calls.filter(ofTheCall)).toHaveLength(1);
    expect(errors).toEqual([]);
  });

  it.each([429, 500, 503])('fails none of the results of a call that is answered %s, and delivers them when it is taken', async (status) => {
    let refusals = 1;
    const away = scriptedFetch((request) => (ofTheCall(request) && refusals-- > 0 ? Promise.resolve(new Response('', { status })) : undefined));
    const { ids } = await together(newType(), ['a', 'b'], away);
    for (const id of ids) expect((await ended(id, 'succeeded')).attempt).toBe(1);
  });

  it.each([400, 401, 403, 413])('reports no failure for what a proxy refused with %s: the request is left to its lease', async (status) => {
    const proxy = scriptedFetch(({ url }) => (url.endsWith('/complete') ? Promise.resolve(new Response('<h1>No</h1>', { status })) : undefined));
    const { ids, errors } = await together(newType(), ['a', 'b'], proxy);
    await eventually(() => errors.length >= 2);
    await Promise.all(workers.splice(0).map((worker) => worker.stop()));
    for (const id of ids) expect(await read(id)).toMatchObject({ status: 'processing', attempt: 1 });
    expect(proxy.calls.some(({ url }) => url.endsWith('/fail'))).toBe(false);
  });

  it('reports a failure whose message cannot be stored, or came with units that are not taken', async () => {
    const type = newType();
    const { id } = await submit(service, user, type);
    start({
      types: [type],
      handler(_, { settle }) {
        settle(7);
        throw new PermanentError(`a\0b${'x'.repeat(1_996)}😀`);
      },
    });
    expect((await ended(id, 'failed')).error).toEqual({ name: 'PermanentError', message: `a\ufffdb${'x'.repeat(1_996)}\ufffd` });
  });

  it('drains when it is stopped: finishes what runs and claims no more', async () => {
    const type = newType();
    const { id } = await submit(service, user, type);
    let finish: ((result: string) => void) | undefined;
    const worker = start({ types: [type], stopOn: ['SIGUSR2'], handler: () => new Promise((resolve) => (finish = resolve)) });
    await eventually(() => finish !== undefined);
    process.emit('SIGUSR2');
    const next = await submit(service, user, type);
    finish!('finished');
    await worker.finished;
    expect(await ended(id, 'succeeded')).toMatchObject({ result: 'finished' });
    expect(await read(next.id)).toMatchObject({ status: 'pending', attempt: 0 });
    expect(process.listenerCount('SIGUSR2')).toBe(0);
  });

  it('stops at once while it waits for something to do, at an AbortSignal as well', async () => {
    const stop = new AbortController();
    const counting = scriptedFetch(() => undefined);
    const worker = start({ client: clientOf(service, workerUser, counting), types: [newType()], waitSeconds: 30, signal: stop.signal, handler: never });
    await eventually(() => counting.calls.length === 1);
    const startedAt = performance.now();
    stop.abort();
    await worker.finished;
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(counting.calls).toHaveLength(1);
  });

  it('goes on claiming when the service was away, and ends when it refuses for good', async () => {
    const type = newType();
    const errors: unknown[] = [];
    const flaky = scriptedFetch((_, count) => (count === 1 ? Promise.reject(new TypeError('fetch failed')) : undefined));
    start({ client: clientOf(service, workerUser, flaky, { max: 0 }), types: [type], errors, handler: () => 'late' });
    const { id } = await submit(service, user, type);
    await ended(id, 'succeeded');
    expect(errors).toEqual([expect.objectContaining({ message: 'fetch failed' })]);
    const refused = startWorker({ client: clientOf(service, user), types: [type], handler: never });
    await expect(refused.finished).rejects.toMatchObject({ status: 403 });
  });

  it('never completes a request that another one completes', async () => {
    const type = newType();
    const count = 200;
    const items = Array.from({ length: 100 }, (_, n) => ({ type, payload: { n } }));
    for (let sent = 0; sent < count; sent += 100) await service.as(user).post('/v1/requests/batch').send({ items }).expect(200);
    const handled: string[] = [];
    const errors: unknown[] = [];
    const handler = ({ id }: { id: string }) => handled.push(id);
    for (const replica of service.replicas) start({ client: clientOf(replica, workerUser), types: [type], concurrency: 10, errors, handler });
    await eventually(
      async () => (await service.sql(`SELECT 1 FROM requests WHERE type = $1 AND status = 'succeeded' AND attempt = 1`, [type])).length === count,
      20_000,
    );
    expect([handled.length, new Set(handled).size, errors]).toEqual([count, count, []]);
    expect(await books(service, user)).toMatchObject({ used: count, refunded: 0, ledger: count });
  });
});
