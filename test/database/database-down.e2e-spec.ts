import { makeKey } from '../../src/api-keys/key-format';
import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { writeSettingEverywhere } from '../support/settings';
import { execute, withDatabase } from '../support/databases';
import { inTransaction } from '../support/waiting';

describe('a database that is away', () => {
  let service: Service;
  let user: TestUser;
  let admin: string;
  let name: string;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    user = await makeUser(service, { unlimited: true });
    name = new URL(service.databaseUrl.replace(/^\w+:\/\/[^/]*/, 'http://x')).pathname.slice(1);
    admin = withDatabase(service.databaseUrl, 'postgres');
  });
  afterAll(() => service.close());

  const disconnect = () => execute(admin, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}' AND pid <> pg_backend_pid()`);
  const goesAway = async () => {
    await execute(admin, `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
    await disconnect();
  };
  const comesBack = async () => {
    await execute(admin, `ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
    for (const replica of service.replicas) {
      await eventually(() => replica.as().get('/health/ready').expect(200), 5_000);
      await eventually(() => replica.as(user).post('/v1/requests').send({ type: 'x' }).expect(201), 5_000);
    }
  };
  const calls = (i: number) => {
    const as = service.replicas[i % 2].as(user);
    return [
      as.post('/v1/requests').set('idempotency-key', `call-${i}`).send({ type: 'x' }),
      as.get('/v1/users/me/quota'),
      as.get('/v1/requests?limit=1'),
      service.as().get('/v1/tiers'),
    ][i % 4];
  };

  it('is answered with 503 and Retry-After or not noticed, never with 500, and no acknowledged charge is lost', async () => {
    const acknowledged: string[] = [];
    const others: { status: number; code: string; wait: string | undefined; path: string }[] = [];
    let over = false;
    const callers = Array.from({ length: 8 }, async (_, c) => {
      for (let i = c * 10_000; !over; i++) {
        const { status, body, headers, request } = await calls(i);
        if (status === 201) acknowledged.push(body.id as string);
        else if (status !== 200) others.push({ status, code: body.code, wait: headers['retry-after'], path: (request as { url: string }).url });
      }
    });
    for (let i = 0; i < 6; i++) {
      const before = acknowledged.length;
      await disconnect();
      // The service is back at work before the next blow.
      await eventually(async () => Promise.resolve(expect(acknowledged.length).toBeGreaterThan(before + 5)), 10_000);
    }
    over = true;
    await Promise.all(callers);
    expect(others.filter(({ status, wait }) => status !== 503 || wait === undefined)).toEqual([]);
    const [kept] = await service.sql('SELECT count(*)::int AS n FROM requests WHERE id = ANY ($1)', [acknowledged]);
    expect(kept.n).toBe(acknowledged.length);
    const [books] = await service.sql(
      'SELECT api_quota_used_today = (SELECT sum(cost) FROM requests WHERE user_id = u.id) AS agree FROM users u WHERE id = $1',
      [user.id],
    );
    expect(books.agree).toBe(true);
  });

  it('that refuses connections is 503 everywhere but at liveness, and service resumes by itself', async () => {
    await goesAway();
    await eventually(async () => {
      for (let i = 0; i < 8; i++) {
        const { status, headers, body } = await calls(i);
        expect([status, body.code, headers['retry-after']]).toEqual([503, expect.any(String), expect.stringMatching(/^\d+$/)]);
        expect(headers['content-type']).toBe('application/problem+json');
      }
    });
    await service.as(user).get('/v1/authorize').expect(503);
    const { body } = await service.as().get('/health/ready').expect(503);
    expect(body.checks.database.status).toBe('down');
    await service.as().get('/health/live').expect(200);
    await service.as().get('/metrics').expect(200);
    await service.as().post('/v1/auth/login').send({ email: user.email, password: 'correct horse' }).expect(503);
    await comesBack();
  });

  it('is no way past the gateway check unless that is set, and then for known keys, within two budgets, counted afterwards and reported', async () => {
    const operator = await makeAdmin(service);
    const [first, other] = service.replicas;
    const known = await makeUser(service);
    const spent = await makeUser(service, { dailyQuota: 2 });
    const unknown = await makeUser(service);
    for (const [key, value] of Object.entries({ failMode: 'open', uncountedUnits: 5, uncountedUnitsPerUser: 3 }))
      await writeSettingEverywhere(service, operator, `gateway.${key}`, value);
    for (const one of [known, spent]) await first.as(one).get('/v1/authorize').expect(204);
    await goesAway();
    await eventually(async () => {
      const { status, body } = await first.as(user).post('/v1/requests').send({ type: 'x' });
      // From here on nothing is sent of which it could be doubtful whether it arrived.
      expect([status, body.detail]).toEqual([503, expect.stringMatching(/It was not charged|Whether it was done/)]);
    });

    for (let i = 0; i < 3; i++) {
      // Repeated under its key, a call spends the budget once.
      const keyed = i === 0 ? { 'idempotency-key': 'same' } : {};
      for (const _ of i === 0 ? [1, 2] : [1]) {
        const { headers } = await first.as(known).get('/v1/authorize/search').set(keyed).expect(204);
        expect(headers).toMatchObject({ 'x-user-id': String(known.id), 'x-quota-uncounted': '1' });
        expect([headers['x-charge-id'], headers.ratelimit, headers['x-user-tier']]).toEqual([undefined, undefined, undefined]);
      }
    }
    const { headers, body } = await first.as(known).get('/v1/authorize').expect(503);
    expect([headers['retry-after'], body.code]).toEqual(['1', 'temporarily-unavailable']);
    await first.as(known).get('/v1/authorize').set({ 'idempotency-key': 'same', 'x-quota-cost': '2' }).expect(422);
    await first.as(spent).get('/v1/authorize').set('x-quota-hold', '60').expect(503);
    for (const nobody of [unknown, { key: makeKey() }]) await first.as(nobody).get('/v1/authorize').expect(503);
    await other.as(known).get('/v1/authorize').expect(503);
    await first.as(known).post('/v1/requests').send({ type: 'x' }).expect(503);
    await first.as(spent).get('/v1/authorize').set({ 'x-quota-cost': '2', 'x-quota-allow-status': '200' }).expect(200);
    const full = await first.as(spent).get('/v1/authorize?denyStatus=403').expect(403);
    expect(full.headers['x-quota-status']).toBe('503');

    await comesBack();
    const reportOf = async (id: number) => {
      const events = await service.sql<{ data: object }>(`SELECT data FROM events WHERE type = 'gateway.let-through' AND user_id = $1`, [id]);
      expect(events).toHaveLength(1);
      return events[0].data;
    };
    const used = async ({ id }: TestUser) => {
      const [row] = await service.sql<{ used: number }>('SELECT api_quota_used_today AS used FROM users WHERE id = $1', [id]);
      return row.used;
    };
    const instants = { since: expect.stringMatching(/Z$/), until: expect.stringMatching(/Z$/) };
    const report = await eventually(() => reportOf(known.id), 5_000);
    expect(report).toEqual({ calls: 3, units: 3, countedCalls: 3, countedUnits: 3, ...instants });
    // What does not fit into what is left stays uncounted: nobody goes beyond their quota in the books.
    expect(await eventually(() => reportOf(spent.id), 5_000)).toEqual({ calls: 1, units: 2, countedCalls: 0, countedUnits: 0, ...instants });
    expect([await used(known), await used(spent)]).toEqual([4, 1]);
    const again = await first.as(known).get('/v1/authorize').set('idempotency-key', 'same').expect(204);
    expect(again.headers['idempotency-replayed']).toBe('true');
    const log = await first.as(operator).get(`/v1/audit-events?action=gateway.let-through&targetId=${known.id}`).expect(200);
    expect(log.body.items).toEqual([expect.objectContaining({ after: report, actor: expect.objectContaining({ kind: 'system' }) })]);
    const { text } = await first.as().get('/metrics').expect(200);
    expect(text).toMatch(/^quotidian_gateway_uncounted_units_total 5$/m);
    expect(text).toMatch(/^quotidian_gateway_counted_since_units_total 3$/m);
    expect(text).toMatch(/^quotidian_gateway_left_uncounted_units_total 2$/m);
    expect(text).toMatch(/^quotidian_gateway_uncounted_units_waiting 0$/m);
  });

  it('that stays locked ends in 503 with nothing charged, and others are served meanwhile', async () => {
    const locked = await makeUser(service);
    const free = await makeUser(service);
    await inTransaction(service, async (client) => {
      await client.query('SELECT 1 FROM users WHERE id = $1 FOR UPDATE', [locked.id]);
      const waiting = service.as(locked).post('/v1/requests').send({ type: 'x' });
      const settled = waiting.then((answer) => answer);
      await service.replicas[1].as(free).get('/v1/users/me/quota').expect(200);
      const { status, headers } = await settled;
      expect([status, headers['retry-after']]).toEqual([503, '1']);
    });
    const [row] = await service.sql('SELECT count(*)::int AS n FROM requests WHERE user_id = $1', [locked.id]);
    expect(row.n).toBe(0);
    await service.as(locked).post('/v1/requests').send({ type: 'x' }).expect(201);
  });
});
