import express from 'express';
import fastify from 'fastify';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { type Client, createClient } from '../../packages/client/src/client';
import { chargeOf } from '../../packages/client/src/meter';
import { meterExpress, meterFastify } from '../../packages/client/src/metering';
import { ProblemError } from '../../packages/client/src/problem-error';
import { type Fetch } from '../../packages/client/src/retries';
import { eventually } from '../support/eventually';
import { makeAdmin, makeUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { clientOf, scriptedFetch } from './clients';

const body = { type: 'default', payload: { n: 1 } };

const unavailable = (retryAfter: string) =>
  Promise.resolve(
    Response.json({ type: 'about:blank', title: 'x', status: 503, detail: 'not now', code: 'x' }, { status: 503, headers: { 'retry-after': retryAfter } }),
  );

describe('the client', () => {
  let service: Service;
  beforeAll(async () => (service = await startService()));
  afterAll(() => service.close());

  it('answers with the types of the document', async () => {
    const user = await makeUser(service, { dailyQuota: 10 });
    const client = clientOf(service, user);
    const { data, response } = await client.POST('/v1/requests', { body });
    const status: 'pending' | 'processing' | 'succeeded' | 'failed' | 'canceled' | 'expired' = data.status;
    expect([response.status, status, data.userId]).toEqual([201, 'pending', user.id]);
    const { data: read } = await client.GET('/v1/requests/{id}', { params: { path: { id: data.id } } });
    expect(read).toMatchObject({ id: data.id, payload: { n: 1 }, attempts: [] });
    const { data: quota } = await client.GET('/v1/users/{userId}/quota', { params: { path: { userId: 'me' } } });
    expect(quota).toMatchObject({ used: 1, limit: 10 });
  });

  it('throws a refusal as a ProblemError with its code, its status and its Retry-After, after one try', async () => {
    const spent = await makeUser(service, { dailyQuota: 1 });
    await clientOf(service, spent).POST('/v1/requests', { body });
    const counting = scriptedFetch(() => undefined);
    const error = await clientOf(service, spent, counting)
      .POST('/v1/requests', { body })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ProblemError);
    const { status, code, problem, retryAfterSeconds } = error as ProblemError;
    expect({ status, code }).toEqual({ status: 429, code: 'quota-exceeded' });
    expect(problem.type).toBe('https://iana.org/assignments/http-problem-types#quota-exceeded');
    expect(retryAfterSeconds).toBeGreaterThan(0);
    expect(counting.calls).toHaveLength(1);
    await expect(clientOf(service, { key: 'qk_wrong' }).GET('/v1/requests')).rejects.toMatchObject({ status: 401 });
  });

  it('describes an answer that is not of the service', async () => {
    const proxy = scriptedFetch(() => Promise.resolve(new Response('<h1>Teapot</h1>', { status: 418 })));
    const answer = clientOf(service, await makeUser(service), proxy).GET('/v1/requests');
    await expect(answer).rejects.toMatchObject({ status: 418, code: 'unexpected-answer' });
  });

  it('charges once when answers get lost after the service has processed the call, and gives the first answer', async () => {
    const user = await makeUser(service);
    const answers: { id: string }[] = [];
    const flaky = scriptedFetch((_, count, send) =>
      count > 2
        ? undefined
        : send().then(async (answer) => {
            answers.push((await answer.json()) as { id: string });
            throw new TypeError('fetch failed');
          }),
    );
    const { data, response } = await clientOf(service, user, flaky).POST('/v1/requests', { body });
    expect(answers.map(({ id }) => id)).toEqual([data.id, data.id]);
    expect(response.headers.get('idempotency-replayed')).toBe('true');
    expect(new Set(flaky.calls.map(({ headers }) => headers.get('idempotency-key'))).size).toBe(1);
    expect(await service.sql('SELECT api_quota_used_today AS used FROM users WHERE id = $1', [user.id])).toEqual([{ used: 1 }]);
    expect(await service.sql('SELECT id FROM requests WHERE user_id = $1', [user.id])).toEqual([{ id: data.id }]);
  });

  it('makes good an answer that breaks off in the middle of its body', async () => {
    const user = await makeUser(service);
    const broken = scriptedFetch((_, count, send) =>
      count > 1
        ? undefined
        : send().then(({ status, headers }) => new Response(new ReadableStream({ start: (stream) => stream.error(new Error('reset')) }), { status, headers })),
    );
    const { data } = await clientOf(service, user, broken).POST('/v1/requests', { body });
    expect(await service.sql('SELECT id FROM requests WHERE user_id = $1', [user.id])).toEqual([{ id: data.id }]);
  });

  it('charges a batch once', async () => {
    const user = await makeUser(service);
    const flaky = scriptedFetch((_, count, send) => (count > 1 ? undefined : send().then(() => Promise.reject(new TypeError('fetch failed')))));
    const { data } = await clientOf(service, user, flaky).POST('/v1/requests/batch', { body: { items: [body, body, body] } });
    expect(data.items.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(await service.sql('SELECT api_quota_used_today AS used FROM users WHERE id = $1', [user.id])).toEqual([{ used: 3 }]);
  });

  it("uses the caller's Idempotency-Key, and a new one for each call otherwise", async () => {
    const user = await makeUser(service);
    const counting = scriptedFetch(() => undefined);
    const client = clientOf(service, user, counting);
    const given = { body, headers: { 'idempotency-key': 'mine' } };
    const ids = [await client.POST('/v1/requests', given), await client.POST('/v1/requests', given)].map(({ data }) => data.id);
    expect(new Set(ids).size).toBe(1);
    await client.POST('/v1/requests', { body });
    await client.POST('/v1/requests', { body });
    const keys = counting.calls.map(({ headers }) => headers.get('idempotency-key'));
    expect(keys.slice(0, 2)).toEqual(['mine', 'mine']);
    expect(new Set(keys).size).toBe(3);
    await client.GET('/v1/requests');
    expect(counting.calls.at(-1)!.headers.has('idempotency-key')).toBe(false);
  });

  it('waits as long as Retry-After states before it tries again', async () => {
    const busy = scriptedFetch((_, count) => (count === 1 ? unavailable('1') : undefined));
    const startedAt = performance.now();
    await clientOf(service, await makeUser(service), busy).POST('/v1/requests', { body });
    expect(performance.now() - startedAt).toBeGreaterThan(990);
    expect(busy.calls).toHaveLength(2);
  });

  it.each(['2147484', '99999999999'])('waits for %s seconds as well, where it is asked to and may: longer than a timer can be set', async (seconds) => {
    const closed = scriptedFetch(() => unavailable(seconds));
    const client = clientOf(service, await makeUser(service), closed, { longestPauseSeconds: Infinity });
    const answer = client.GET('/v1/requests', { signal: AbortSignal.timeout(300) });
    await expect(answer).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(closed.calls).toHaveLength(1);
  });

  it('gives up after the tries it was given, and at once when it is asked to wait for longer than it would', async () => {
    const user = await makeUser(service);
    const busy = scriptedFetch(() => unavailable('0'));
    await expect(clientOf(service, user, busy, { max: 2 }).GET('/v1/requests')).rejects.toMatchObject({ status: 503, message: 'not now' });
    expect(busy.calls).toHaveLength(3);
    const closed = scriptedFetch(() => unavailable('3600'));
    await expect(clientOf(service, user, closed).GET('/v1/requests')).rejects.toMatchObject({ status: 503, retryAfterSeconds: 3600 });
    expect(closed.calls).toHaveLength(1);
  });

  it('does not repeat what could happen twice', async () => {
    const admin = await makeAdmin(service);
    const busy = scriptedFetch(() => unavailable('0'));
    const answer = clientOf(service, admin, busy).POST('/v1/auth/refresh', { body: { refreshToken: 'x'.repeat(43) } });
    await expect(answer).rejects.toMatchObject({ status: 503 });
    expect(busy.calls).toHaveLength(1);
  });

  it('tries a 429 again when it is asked to', async () => {
    const user = await makeUser(service);
    const limited = () => scriptedFetch((_, count) => (count === 1 ? Promise.resolve(new Response('{}', { status: 429 })) : undefined));
    await expect(clientOf(service, user, limited()).GET('/v1/requests')).rejects.toMatchObject({ status: 429 });
    const { data } = await clientOf(service, user, limited(), { whenLimited: true }).GET('/v1/requests');
    expect(data.items).toEqual([]);
  });

  it('stops at once when its caller does not want it any more', async () => {
    const caller = new AbortController();
    const busy = scriptedFetch(() => (caller.abort(), unavailable('20')));
    const answer = clientOf(service, await makeUser(service), busy).GET('/v1/requests', { signal: caller.signal });
    await expect(answer).rejects.toMatchObject({ name: 'AbortError' });
    expect(busy.calls).toHaveLength(1);
  });

  it('gives a call up with all its tries when the time of its signal is over', async () => {
    const silent = scriptedFetch(
      (request) => new Promise((_, reject) => request.signal.addEventListener('abort', () => reject(request.signal.reason as Error))),
    );
    const busy = scriptedFetch(() => unavailable('20'));
    const user = await makeUser(service);
    for (const fetch of [silent, busy]) {
      const answer = clientOf(service, user, fetch).GET('/v1/requests', { signal: AbortSignal.timeout(200) });
      await expect(answer).rejects.toMatchObject({ name: 'TimeoutError' });
      expect(fetch.calls).toHaveLength(1);
    }
  });

  describe('that puts submits in batches', () => {
    const batching = (user: { key: string }, fetch?: Fetch) => createClient({ baseUrl: service.url, apiKey: user.key, fetch });
    const submit = (client: Client, n: number) => client.POST('/v1/requests', { body: { type: 'default', payload: { n } } });

    it('sends what comes at the same moment in one call, and gives each its own answer', async () => {
      const user = await makeUser(service, { dailyQuota: 1_000 });
      const counting = scriptedFetch(() => undefined);
      const client = batching(user, counting);
      const answers = await Promise.all(Array.from({ length: 250 }, (_, n) => submit(client, n)));
      expect(answers.map(({ data }) => data.payload)).toEqual(Array.from({ length: 250 }, (_, n) => ({ n })));
      expect(new Set(answers.map(({ data }) => data.id)).size).toBe(250);
      expect(counting.calls.map(({ url }) => new URL(url).pathname)).toEqual(Array(3).fill('/v1/requests/batch'));
      const { response, data } = answers[7];
      expect([response.status, response.headers.get('location')]).toEqual([201, `/v1/requests/${data.id}`]);
    });

    it('refuses those that do not fit, each by itself, and lets the others pass', async () => {
      const user = await makeUser(service, { dailyQuota: 3 });
      const client = batching(user);
      const outcomes = await Promise.allSettled(Array.from({ length: 8 }, (_, n) => submit(client, n)));
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
      const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as ProblemError] : []));
      expect(refused.map(({ status, code }) => `${status} ${code}`)).toEqual(Array(5).fill('429 quota-exceeded'));
      expect(refused.every((error) => error instanceof ProblemError && (error.retryAfterSeconds ?? 0) > 0)).toBe(true);
    });

    it('charges once when the answer to a batch is lost', async () => {
      const user = await makeUser(service);
      const flaky = scriptedFetch((_, count, send) =>
        count > 1
          ? undefined
          : send().then(() => {
              throw new TypeError('fetch failed');
            }),
      );
      const client = batching(user, flaky);
      const answers = await Promise.all([1, 2, 3].map((n) => submit(client, n)));
      expect(flaky.calls).toHaveLength(2);
      const { body: quota } = await service.as(user).get('/v1/users/me/quota').expect(200);
      expect([new Set(answers.map(({ data }) => data.id)).size, quota.used]).toEqual([3, 3]);
    });

    it('sends alone what is alone, what asks for more than an item may, and what is too large for company', async () => {
      const user = await makeUser(service);
      const counting = scriptedFetch(() => undefined);
      const client = batching(user, counting);
      const large = { type: 'default', payload: { text: 'x'.repeat(60_000) } };
      await submit(client, 1);
      const signal = AbortSignal.timeout(60_000);
      await Promise.all([client.POST('/v1/requests', { body, signal }), client.POST('/v1/requests', { body, params: {} })]);
      const both = await Promise.all([client.POST('/v1/requests', { body: large }), client.POST('/v1/requests', { body: large })]);
      expect(new Set(counting.calls.map(({ url }) => new URL(url).pathname))).toEqual(new Set(['/v1/requests']));
      expect(both.map(({ data }) => (data.payload as { text: string }).text.length)).toEqual([60_000, 60_000]);
    });

    it('lets who is alone wait for nobody, and collects what comes while one is under way', async () => {
      const user = await makeUser(service);
      let firstIsOut = false;
      const counting = scriptedFetch((_, count, send) => (count === 1 ? ((firstIsOut = true), send()) : undefined));
      const client = batching(user, counting);
      const first = submit(client, 1);
      // No timer has run yet.
      for (let i = 0; i < 20; i++) await Promise.resolve();
      expect(firstIsOut).toBe(true);
      await Promise.all([first, submit(client, 2), submit(client, 3)]);
      expect(counting.calls.map(({ url }) => new URL(url).pathname)).toEqual(['/v1/requests', '/v1/requests/batch']);
    });

    it('sends each by itself where that is asked for, or something looks at single calls', async () => {
      const user = await makeUser(service);
      const counting = scriptedFetch(() => undefined);
      const seen: string[] = [];
      const watched = batching(user, counting);
      const watcher = { onResponse: ({ response }: { response: Response }) => void seen.push(response.headers.get('ratelimit') ?? '') };
      watched.use(watcher);
      await Promise.all([submit(watched, 1), submit(watched, 2)]);
      expect(seen.filter(Boolean)).toHaveLength(2);
      const single = createClient({ baseUrl: service.url, apiKey: user.key, fetch: counting, batching: false });
      await Promise.all([submit(single, 3), submit(single, 4)]);
      expect(new Set(counting.calls.map(({ url }) => new URL(url).pathname))).toEqual(new Set(['/v1/requests']));
      watched.eject(watcher);
      await Promise.all([submit(watched, 5), submit(watched, 6)]);
      expect(new URL(counting.calls.at(-1)!.url).pathname).toBe('/v1/requests/batch');
    });

    it('keeps the keys that callers give', async () => {
      const user = await makeUser(service);
      const client = batching(user);
      const keyed = () => client.POST('/v1/requests', { body, headers: { 'idempotency-key': 'given' } });
      const [first, again] = await Promise.all([keyed(), keyed()]);
      expect(first.data.id).toBe(again.data.id);
    });

    it('fails each with what is wrong with the call', async () => {
      const client = batching({ key: 'qk_wrong' });
      const outcomes = await Promise.allSettled([submit(client, 1), submit(client, 2)]);
      expect(outcomes.map((outcome) => (outcome.status === 'rejected' ? (outcome.reason as ProblemError).status : 0))).toEqual([401, 401]);
    });
  });

  describe('that meters another server', () => {
    const servers: Server[] = [];
    afterAll(() => Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve)))));
    const serve = async (
      middleware: ReturnType<typeof meterExpress<IncomingMessage>>,
      handler: (request: IncomingMessage, response: ServerResponse) => void,
    ) => {
      const server = createServer((request, response) =>
        middleware(request, response, (error) => {
          if (error === undefined) handler(request, response);
          else response.writeHead(500).end();
        }),
      );
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    };
    const call = (url: string, user?: { key: string }) => fetch(url, { headers: user ? { authorization: `Bearer ${user.key}` } : {} });
    const used = async (user: { key: string }) => (await service.as(user).get('/v1/users/me/quota').expect(200)).body.used as number;

    it('lets who can pay through, charged, and answers the others as the service does', async () => {
      const user = await makeUser(service, { dailyQuota: 5 });
      let handled = 0;
      const url = await serve(meterExpress({ baseUrl: service.url, type: 'search', cost: 2 }), (_, response) => response.end(String(++handled)));
      const answers = [await call(url, user), await call(url, user), await call(url, user), await call(url)];
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 429, 401]);
      expect(answers[0].headers.get('ratelimit')).toMatch(/^"daily";r=3;/);
      expect(await answers[2].json()).toMatchObject({ code: 'quota-exceeded', used: 4, requested: 2 });
      expect(Number(answers[2].headers.get('retry-after'))).toBeGreaterThan(0);
      expect([handled, await used(user)]).toEqual([2, 4]);
    });

    it('holds the units with a worker, and settles them when the answer is out', async () => {
      const user = await makeUser(service);
      const worker = clientOf(service, await makeUser(service, { scopes: ['worker'] }));
      const meter = meterExpress<IncomingMessage>({ baseUrl: service.url, type: 'chat', cost: 10, worker });
      const url = await serve(meter, (request, response) => {
        chargeOf(request)?.settle(4);
        response.writeHead(request.url === '/fails' ? 500 : 200).end();
      });
      await call(url, user);
      await eventually(async () => (await used(user)) === 4);
      await call(`${url}/fails`, user);
      await eventually(async () => (await used(user)) === 4);
    });

    it('refuses what nobody can decide, or lets it pass uncharged where that is asked for', async () => {
      const down = { baseUrl: 'http://127.0.0.1:9', type: 'x', retries: { max: 0 } };
      const refusing = await serve(meterExpress(down), (_, response) => response.end());
      const lenient = await serve(meterExpress({ ...down, whenUnavailable: 'allow' }), (request, response) => response.end(String(chargeOf(request)?.id)));
      const refused = await call(refusing, { key: 'k' });
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
      expect(await (await call(lenient, { key: 'k' })).text()).toBe('null');
    });

    it('is middleware of Express, with what its parsers made of the body', async () => {
      const user = await makeUser(service, { dailyQuota: 5 });
      const app = express();
      app.use(express.json());
      const cost = (request: express.Request) => request.body.units as number;
      app.post('/', meterExpress<express.Request>({ baseUrl: service.url, type: 'search', cost }), (_request, response) => void response.json({ ok: true }));
      const server = createServer(app);
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const post = (units: number) =>
        fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${user.key}`, 'content-type': 'application/json' },
          body: JSON.stringify({ units }),
        });
      const passed = await post(4);
      const refused = await post(4);
      expect([passed.status, await passed.json(), passed.headers.get('ratelimit')]).toEqual([200, { ok: true }, expect.stringMatching(/^"daily";r=1;/)]);
      expect([refused.status, await refused.json()]).toEqual([429, expect.objectContaining({ code: 'quota-exceeded' })]);
    });

    it('is a hook of Fastify too', async () => {
      const user = await makeUser(service, { dailyQuota: 1 });
      const app = fastify();
      app.get('/', { preHandler: meterFastify({ baseUrl: service.url, type: 'search' }) }, () => ({ ok: true }));
      const get = () => app.inject({ url: '/', headers: { authorization: `Bearer ${user.key}` } });
      const passed = await get();
      const refused = await get();
      await app.close();
      expect([passed.statusCode, passed.json(), passed.headers.ratelimit]).toEqual([200, { ok: true }, expect.stringMatching(/^"daily";r=0;/)]);
      expect([refused.statusCode, refused.json<{ code: string }>().code]).toEqual([429, 'quota-exceeded']);
    });
  });
});
