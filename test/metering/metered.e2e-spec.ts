import { NotFoundProblem } from '../../src/http/problem';
import { type MeteredCall } from '../../src/metering/metered.decorator';
import { ExpiryJob } from '../../src/requests/working/expiry.job';
import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Replica, type Service, startService } from '../support/service';
import { writeKey } from '../support/settings';
import { MeteredFeature, work } from './features';

describe('a handler that is @Metered', () => {
  let service: Service;
  beforeAll(async () => (service = await startService({ replicas: 2, modules: [MeteredFeature] })));
  afterAll(() => service.close());
  beforeEach(() => {
    work.runs = 0;
    work.during = () => undefined;
  });

  const post = (user: TestUser, path: string, { key, body = {}, replica = service }: { key?: string; body?: object; replica?: Replica } = {}) => {
    const call = replica.as(user).post(`/v1/metered/${path}`).send(body);
    return key === undefined ? call : call.set('idempotency-key', key);
  };
  const books = async ({ id }: TestUser) => {
    const rows = await service.sql<{ type: string; status: string; cost: number; refunded: number }>(
      'SELECT type, status, cost, refunded_units AS refunded FROM requests WHERE user_id = $1 ORDER BY id',
      [id],
    );
    const [counter] = await service.sql<{ used: number }>('SELECT api_quota_used_today AS used FROM users WHERE id = $1', [id]);
    return { used: counter?.used, rows };
  };

  it('is charged once before it runs, and answers with the limits and the charge', async () => {
    const user = await makeUser(service, { dailyQuota: 10 });
    let usedDuring: number | undefined;
    work.during = async () => (usedDuring = (await books(user)).used);
    const { headers, body } = await post(user, 'plain').expect(201);
    expect(body).toEqual({ run: 1 });
    expect(headers.ratelimit).toMatch(/^"daily";r=7;t=\d+$/);
    expect(headers['ratelimit-policy']).toMatch(/^"daily";q=10;w=\d+$/);
    expect(usedDuring).toBe(3);
    expect(await books(user)).toEqual({ used: 3, rows: [{ type: 'plain', status: 'succeeded', cost: 3, refunded: 0 }] });
    expect((await service.as(user).get(`/v1/requests/${headers['x-charge-id']}`).expect(200)).body).toMatchObject({ type: 'plain', cost: 3 });
  });

  it('does not run once the quota is used up, and refuses as a submit does', async () => {
    const user = await makeUser(service, { dailyQuota: 5 });
    await post(user, 'plain').expect(201);
    const { headers, body } = await post(user, 'plain').expect(429);
    expect(body).toMatchObject({ code: 'quota-exceeded', used: 3, limit: 5, requested: 3, remaining: 2 });
    expect(headers.ratelimit).toMatch(/^"daily";r=2;t=\d+$/);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(headers['x-charge-id']).toBeUndefined();
    expect([work.runs, (await books(user)).used]).toEqual([1, 3]);
  });

  it('is charged for no call that validation or the guard refuses', async () => {
    const user = await makeUser(service);
    const reader = await makeUser(service, { scopes: ['requests:read'] });
    await post(user, 'tokens', { body: { tokens: 0 } }).expect(400);
    await post(user, 'tokens', { body: { tokens: 'many' } }).expect(400);
    await post(reader, 'plain').expect(403);
    expect([work.runs, await books(user), await books(reader)]).toEqual([0, { used: 0, rows: [] }, { used: 0, rows: [] }]);
  });

  it('gives the units back when it throws, and its failure bears no field of a charge', async () => {
    const user = await makeUser(service, { dailyQuota: 5 });
    for (const [error, status] of [[new NotFoundProblem('thing'), 404] as const, [new Error('secret'), 500] as const]) {
      work.during = () => Promise.reject(error);
      const { headers } = await post(user, 'plain').expect(status);
      expect([headers.ratelimit, headers['x-charge-id']]).toEqual([undefined, undefined]);
    }
    const { used, rows } = await books(user);
    expect(used).toBe(0);
    expect(rows.map(({ status, refunded }) => [status, refunded])).toEqual(Array(2).fill(['failed', 3]));
    expect(JSON.stringify(await service.sql('SELECT error FROM requests WHERE user_id = $1', [user.id]))).not.toContain('secret');
  });

  it('keeps the units of what its caller did wrong where it refunds faults only, and of everything where it never does', async () => {
    const user = await makeUser(service);
    work.during = () => Promise.reject(new NotFoundProblem('thing'));
    await post(user, 'tokens', { body: { tokens: 7 } }).expect(404);
    expect((await books(user)).used).toBe(7);
    work.during = () => Promise.reject(new Error('a fault'));
    await post(user, 'tokens', { body: { tokens: 9 } }).expect(500);
    expect((await books(user)).used).toBe(7);
    await service.as(user).get('/v1/metered/reads/one').expect(500);
    expect((await books(user)).used).toBe(8);
  });

  it('leaves it to the operator how much a failure gives back', async () => {
    const admin = await makeAdmin(service);
    const user = await makeUser(service);
    const policy = { failed: 'none', canceledBeforeStart: 'all', canceledWhileProcessing: 'unsettled', expired: 'all' };
    await writeKey(service, admin, 'quota.refundPolicy', { value: policy });
    work.during = () => Promise.reject(new Error('a fault'));
    await post(user, 'plain').expect(500);
    await writeKey(service, admin, 'quota.refundPolicy', { value: { ...policy, failed: 'all' } });
    expect((await books(user)).used).toBe(3);
  });

  it('settles what the call came to, and takes its cost from the body', async () => {
    const user = await makeUser(service);
    work.during = (charge?: MeteredCall) => charge?.settle(120);
    await post(user, 'tokens', { body: { tokens: 1_000 } }).expect(429);
    await service.sql('UPDATE users SET api_quota_daily = 5000 WHERE id = $1', [user.id]);
    await post(user, 'tokens', { body: { tokens: 1_000 } }).expect(200);
    expect(await books(user)).toEqual({ used: 120, rows: [{ type: 'tokens', status: 'succeeded', cost: 1_000, refunded: 880 }] });
  });

  it('costs what the operator lists for its type, in place of the number in the code', async () => {
    const admin = await makeAdmin(service);
    const user = await makeUser(service);
    await writeKey(service, admin, 'requests.types', { value: { plain: { cost: 5 }, tokens: { cost: 5 } } });
    await post(user, 'plain').expect(201);
    await post(user, 'tokens', { body: { tokens: 2 } }).expect(200);
    await writeKey(service, admin, 'requests.types', { value: {} });
    expect((await books(user)).used).toBe(7);
  });

  describe('repeated under its Idempotency-Key', () => {
    it('gets the first answer and is charged once, on two replicas at once', async () => {
      const user = await makeUser(service);
      const answers = await Promise.all(Array.from({ length: 12 }, (_, i) => post(user, 'plain', { key: 'k', replica: service.replicas[i % 2] }).expect(201)));
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
      expect(answers.filter(({ headers }) => headers['idempotency-replayed'] === undefined)).toHaveLength(1);
      expect(answers.every(({ headers }) => /^"daily";r=97;/.test(headers.ratelimit))).toBe(true);
      expect([work.runs, (await books(user)).used]).toEqual([1, 3]);
    });

    it('is another call on another route, and no call with another body', async () => {
      const user = await makeUser(service);
      await post(user, 'tokens', { key: 'k', body: { tokens: 2 } }).expect(200);
      expect((await post(user, 'tokens', { key: 'k', body: { tokens: 3 } }).expect(422)).body.code).toBe('idempotency-key-reused');
      await post(user, 'plain', { key: 'k' }).expect(201);
      expect((await books(user)).used).toBe(5);
    });

    it('after it failed runs anew, and is charged for what it then does', async () => {
      const user = await makeUser(service);
      work.during = () => Promise.reject(new Error('a fault'));
      await post(user, 'plain', { key: 'k' }).expect(500);
      await post(user, 'plain', { key: 'k', replica: service.replicas[1] }).expect(500);
      expect((await books(user)).used).toBe(0);
      work.during = () => undefined;
      await post(user, 'plain', { key: 'k' }).expect(201);
      const replayed = await post(user, 'plain', { key: 'k' }).expect(201);
      expect([replayed.headers['idempotency-replayed'], replayed.body.run]).toEqual(['true', 3]);
      expect((await books(user)).used).toBe(3);
    });

    it('after its process died runs once more under the charge that it has', async () => {
      const user = await makeUser(service);
      const dead = gate();
      work.during = () => dead.closed;
      const first = post(user, 'plain', { key: 'k' }).then((answer) => answer.status);
      await eventually(() => work.runs === 1);
      await service.sql(`UPDATE idempotency_keys SET created_at = now() - interval '31 seconds' WHERE user_id = $1 AND response_status = 102`, [user.id]);
      work.during = () => undefined;
      const { body } = await post(user, 'plain', { key: 'k', replica: service.replicas[1] }).expect(201);
      dead.open();
      await first;
      expect(body).toEqual({ run: 2 });
      expect(await books(user)).toEqual({ used: 3, rows: [{ type: 'plain', status: 'succeeded', cost: 3, refunded: 0 }] });
      expect((await post(user, 'plain', { key: 'k' }).expect(201)).body).toEqual({ run: 2 });
    });
  });

  it('whose process died stays charged, and counts as done when the hold is over', async () => {
    const user = await makeUser(service);
    const dead = gate();
    work.during = () => dead.closed;
    const first = post(user, 'plain').then((answer) => answer.status);
    await eventually(() => work.runs === 1);
    expect((await books(user)).rows).toMatchObject([{ status: 'processing' }]);
    const [{ seconds }] = await service.sql<{ seconds: number }>(
      'SELECT extract(epoch FROM lease_expires_at - created_at)::integer AS seconds FROM requests WHERE user_id = $1',
      [user.id],
    );
    expect(seconds).toBe(300);
    await service.sql(`UPDATE requests SET lease_expires_at = now() - interval '1 second' WHERE user_id = $1`, [user.id]);
    await service.app.get(ExpiryJob, { strict: false }).run(new AbortController().signal);
    expect(await books(user)).toEqual({ used: 3, rows: [{ type: 'plain', status: 'succeeded', cost: 3, refunded: 0 }] });
    dead.open();
    expect(await first).toBe(201);
    expect((await books(user)).used).toBe(3);
  });

  it('never spends more than the quota, on two replicas at once, failures among them', async () => {
    const user = await makeUser(service, { dailyQuota: 9 });
    work.during = () => (work.runs % 3 === 0 ? Promise.reject(new Error('a fault')) : undefined);
    const statuses = await Promise.all(
      Array.from({ length: 24 }, (_, i) => post(user, 'plain', { replica: service.replicas[i % 2] }).then(({ status }) => status)),
    );
    const { used, rows } = await books(user);
    const kept = statuses.filter((status) => status === 201).length;
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThanOrEqual(3);
    expect(used).toBe(kept * 3);
    expect(rows.length).toBe(statuses.filter((status) => status !== 429).length);
  });

  describe('together with its rows', () => {
    const settings = (key: string) => service.sql('SELECT key FROM system_configurations WHERE key = $1', [key]);

    it('charges and writes, or neither', async () => {
      const user = await makeUser(service, { dailyQuota: 5 });
      const made = await post(user, 'notes?key=one').expect(201);
      expect(made.headers.ratelimit).toMatch(/^"daily";r=3;/);
      expect(await settings('one')).toHaveLength(1);
      work.during = () => Promise.reject(new NotFoundProblem('thing'));
      await post(user, 'notes?key=two')
        .expect(404)
        .catch(() => undefined);
      expect([await settings('two'), (await books(user)).rows]).toEqual([[], [{ type: 'notes', status: 'succeeded', cost: 2, refunded: 0 }]]);
      work.during = () => undefined;
      await post(user, 'notes?key=three').expect(201);
      const { body } = await post(user, 'notes?key=four').expect(429);
      expect([body.code, await settings('four'), (await books(user)).used]).toEqual(['quota-exceeded', [], 4]);
    });

    it('is charged once under a key, on two replicas at once, and replays the field that follows from the body', async () => {
      const user = await makeUser(service);
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, i) => post(user, 'notes?key=keyed', { key: 'k', replica: service.replicas[i % 2] }).expect(201)),
      );
      const replayed = answers.filter(({ headers }) => headers['idempotency-replayed'] === 'true');
      expect(replayed).toHaveLength(7);
      expect(answers.every(({ headers, body }) => headers.location === `/v1/metered/notes/${body.run}`)).toBe(true);
      expect(await books(user)).toEqual({ used: 2, rows: [{ type: 'notes', status: 'succeeded', cost: 2, refunded: 0 }] });
    });

    it('is 500 for a handler that never began its transaction: nothing is given away', async () => {
      const user = await makeUser(service);
      await post(user, 'forgotten').expect(500);
      expect((await books(user)).used).toBe(0);
    });
  });

  it('has its like in code', async () => {
    const user = await makeUser(service, { dailyQuota: 3 });
    const { body } = await post(user, 'in-code').expect(201);
    expect(await books(user)).toEqual({ used: 2, rows: [{ type: 'in-code', status: 'succeeded', cost: 2, refunded: 0 }] });
    expect(body).toMatchObject({ cost: 2 });
  });
});

/** A promise that somebody else fulfils. */
function gate(): { closed: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const closed = new Promise<void>((resolve) => (open = resolve));
  return { closed, open };
}
