import { createClient } from '../../packages/client/src/client';
import { FakeQuotidian } from '../../packages/client/src/testing';
import { SCOPES } from '../../src/common/principal';
import { makeUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { startWorker } from './clients';
import { type Account, type Answer, CONTRACTS, type ContractService, type Send } from './contract';

const FIELDS = ['content-type', 'idempotency-replayed', 'location', 'ratelimit', 'ratelimit-policy', 'retry-after', 'x-charge-id', 'x-user-tier'];

const DAY_SECONDS = 86_400;

/** Sends, and notes answers with what differs by nature made alike; an id keeps its identity. */
function noting({ url, fetch }: ContractService, noted: unknown[]): Send {
  return async (account, path, body, headers = {}) => {
    const [, method = 'POST', route] = /^(?:(\S+) )?(.*)$/.exec(path) as unknown as [string, string | undefined, string];
    const credential: Record<string, string> = account === null ? {} : { authorization: `Bearer ${account.key}` };
    const content: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    const response = await fetch(
      new Request(`${url}/v1${route}`, { method, headers: { ...credential, ...content, ...headers }, body: body && JSON.stringify(body) }),
    );
    const text = await response.text();
    const shown = FIELDS.filter((name) => response.headers.has(name)).map((name) => [name, response.headers.get(name)]);
    const answer = {
      status: response.status,
      headers: Object.fromEntries(shown) as Answer['headers'],
      body: (text === '' ? {} : JSON.parse(text)) as Answer['body'],
    };
    answer.headers.ratelimit &&= answer.headers.ratelimit.replace(/t=\d+/, 't=<n>');
    noted.push({ call: path, answer });
    return answer;
  };
}

/** The same for both services: ids by the order in which they are met, no times, no numbers of seconds. */
function alike(noted: unknown[]): unknown {
  const ids = new Map<string, string>();
  const named = (id: string): string => {
    if (!ids.has(id)) ids.set(id, `<id ${ids.size}>`);
    return String(ids.get(id));
  };
  const text = JSON.stringify(noted)
    .replace(/urn:quotidian:request:[0-9a-f-]{36}/g, '<instance>')
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}/g, named)
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replace(/"chargedOn":"[\d-]+"/g, '"chargedOn":"<day>"')
    .replace(/"retry-after":"\d+"/g, '"retry-after":"<n>"')
    .replace(/"userId":\d+/g, '"userId":"<user>"')
    .replace(/charset=utf-8/gi, '')
    .replace(/; ?"/g, '"');
  return JSON.parse(text) as unknown;
}

describe('the fake service of the client', () => {
  let service: Service;
  let worker: Account;
  beforeAll(async () => {
    service = await startService();
    worker = await makeUser(service, { role: 'admin', unlimited: true, scopes: SCOPES });
  });
  afterAll(() => service.close());

  const real = (): ContractService => ({
    url: service.url,
    fetch: (request) => fetch(request),
    worker,
    makeUser: (dailyQuota) => makeUser(service, { dailyQuota }),
  });

  it.each(CONTRACTS.map((contract, i) => [contract.name, contract, i] as const))('%s, as the service', async (_, contract, i) => {
    const quotidian = new FakeQuotidian();
    const inMemory: ContractService = {
      url: quotidian.url,
      fetch: quotidian.fetch,
      worker: quotidian.addWorker(),
      makeUser: (dailyQuota) => Promise.resolve(quotidian.addUser({ dailyQuota })),
    };
    const answers: unknown[][] = [];
    for (const one of [real(), inMemory]) {
      const noted: unknown[] = [];
      const client = ({ key }: Account) => createClient({ baseUrl: one.url, apiKey: key, fetch: one.fetch });
      await contract.run({ service: one, send: noting(one, noted), type: `contract-${i}`, client });
      answers.push(noted);
    }
    const [ofService, ofFake] = answers as [unknown[], unknown[]];
    // Of calls at the same moment nothing stands fast but how many were admitted, which the contract itself asserts.
    if (!contract.name.includes('at once')) expect(alike(ofFake)).toEqual(alike(ofService));
  });

  it('has a clock of its own: days change, and leases, holds and deadlines end', async () => {
    const quotidian = new FakeQuotidian({ costs: { dear: 2 } });
    // Noon: no day ends while its first lease does.
    quotidian.advance((DAY_SECONDS * 1.5 - ((quotidian.now.getTime() / 1_000) % DAY_SECONDS)) % DAY_SECONDS);
    const send = noting({ url: quotidian.url, fetch: quotidian.fetch, worker, makeUser: () => Promise.reject(new Error()) }, []);
    const [user, hand] = [quotidian.addUser({ dailyQuota: 2 }), quotidian.addWorker()];
    const { body } = await send(user, '/requests', { type: 'dear' });
    expect((await send(user, '/requests', { type: 'x' })).status).toBe(429);
    await send(hand, '/requests/claim', { types: ['dear'], leaseSeconds: 60 });
    quotidian.advance(61);
    expect((await send(user, `GET /requests/${body.id as string}`)).body).toMatchObject({ status: 'pending', attempts: [{ outcome: 'lost' }] });
    quotidian.advance(DAY_SECONDS);
    const deadlineAt = new Date(quotidian.now.getTime() + 60_000).toISOString();
    const { body: expiring } = await send(user, '/requests', { type: 'dear', deadlineAt });
    quotidian.advance(61);
    expect((await send(user, `GET /requests/${expiring.id as string}`)).body).toMatchObject({ status: 'expired', refundedUnits: 2 });
    const { headers } = await send(user, '/authorize', undefined, { 'x-quota-hold': '60' });
    quotidian.advance(61);
    expect((await send(user, `GET /requests/${headers['x-charge-id']}`)).body).toMatchObject({ status: 'succeeded', refundedUnits: 0 });
  });

  it('serves a worker, which waits for what is submitted', async () => {
    const quotidian = new FakeQuotidian();
    const clientOf = ({ key }: Account) => createClient({ baseUrl: quotidian.url, apiKey: key, fetch: quotidian.fetch });
    const submitting = clientOf(quotidian.addUser());
    const done = new Promise<string>((resolve) => {
      const working = startWorker({
        client: clientOf(quotidian.addWorker()),
        types: ['x'],
        handler: ({ id }) => {
          resolve(id);
          void working.stop();
          return Promise.resolve('done');
        },
      });
    });
    const { data } = await submitting.POST('/v1/requests', { body: { type: 'x' } });
    expect(await done).toBe(data.id);
  });

  it('answers what it does not know with a status of no service', async () => {
    const quotidian = new FakeQuotidian();
    const { key } = quotidian.addUser();
    const client = createClient({ baseUrl: quotidian.url, apiKey: key, fetch: quotidian.fetch });
    await expect(client.GET('/v1/tiers')).rejects.toMatchObject({ status: 501, code: 'not-in-the-fake' });
  });
});
