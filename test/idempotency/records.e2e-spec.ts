import { putSetting } from '../requests/work';
import { makeAdmin, makeUser, type TestUser, type UserOverrides } from '../support/factories';
import { type Service, startService } from '../support/service';

describe('Idempotency-Key', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
  });
  afterAll(() => service.close());

  const submit = (user: TestUser, key: string, body: object = { type: 'x', payload: { b: 1, a: [1, { d: 1, c: 2 }] } }, replica = 0) =>
    service.replicas[replica].as(user).post('/v1/requests').set('idempotency-key', key).send(body);
  const charged = async ({ id }: TestUser) =>
    (
      await service.sql('SELECT api_quota_used_today AS used, (SELECT count(*)::int FROM requests WHERE user_id = u.id) AS rows FROM users u WHERE id = $1', [
        id,
      ])
    )[0];
  const user = (overrides?: UserOverrides) => makeUser(service, overrides);

  it('charges one of 64 calls at once on two replicas, and answers the others with the same bytes', async () => {
    const caller = await user();
    const answers = await Promise.all(Array.from({ length: 64 }, (_, i) => submit(caller, 'same', undefined, i % 2)));
    const created = answers.filter(({ status }) => status === 201);
    expect(answers.filter(({ status }) => status !== 201)).toEqual([]);
    expect(created.filter(({ headers }) => headers['idempotency-replayed'] === undefined)).toHaveLength(1);
    expect(new Set(created.map(({ text }) => text)).size).toBe(1);
    expect(new Set(created.map(({ headers }) => headers.location)).size).toBe(1);
    expect(await charged(caller)).toEqual({ used: 1, rows: 1 });
  });

  it('replays the first answer on the other replica, with the rate limit of now', async () => {
    const caller = await user({ dailyQuota: 10 });
    const first = await submit(caller, 'k').expect(201);
    await submit(caller, 'other').expect(201);
    const again = await submit(caller, 'k', undefined, 1).expect(201);
    expect(again.text).toBe(first.text);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(first.headers['idempotency-replayed']).toBeUndefined();
    expect([first.headers.ratelimit, again.headers.ratelimit]).toEqual([expect.stringContaining('r=9;'), expect.stringContaining('r=8;')]);
  });

  it('replays though the quota is used up since, and though the request has changed since', async () => {
    const caller = await user({ dailyQuota: 1 });
    const first = await submit(caller, 'k').expect(201);
    await submit(caller, 'other').expect(429);
    await service
      .as(caller)
      .post(`/v1/requests/${first.body.id as string}/cancel`)
      .expect(200);
    expect((await submit(caller, 'k').expect(201)).text).toBe(first.text);
  });

  it('replays the same bytes after retention took the request, whatever the settings state by now', async () => {
    const caller = await user();
    const deadlineAt = '2199-01-01T00:00:00Z';
    const body = { type: 'kept', payload: { b: 1, a: 2 }, deadlineAt };
    await putSetting(service, 'requests.types', { kept: { cost: 3 }, noted: { execution: 'instant', cost: 2 } });
    const waiting = await submit(caller, 'w', body).expect(201);
    const instant = await submit(caller, 'i', { type: 'noted' }).expect(201);
    await putSetting(service, 'requests.types', null);
    await service.sql('DELETE FROM requests WHERE user_id = $1', [caller.id]);
    for (const [key, first, again] of [
      ['w', waiting, body],
      ['i', instant, { type: 'noted' }],
    ] as const) {
      const replay = await submit(caller, key, again, 1).expect(201);
      expect(replay.text).toBe(first.text);
      expect(replay.headers).toMatchObject({ 'idempotency-replayed': 'true', location: first.headers.location });
    }
    expect(waiting.body).toMatchObject({ cost: 3, status: 'pending', deadlineAt: '2199-01-01T00:00:00.000Z' });
    expect(instant.body).toMatchObject({ cost: 2, status: 'succeeded' });
  });

  it('with another body is 422 and charges nothing, but the order of members does not count', async () => {
    const caller = await user();
    await submit(caller, 'k', { type: 'x', payload: { a: 1, b: 2 } }).expect(201);
    for (const body of [
      { type: 'y', payload: { a: 1, b: 2 } },
      { type: 'x', payload: { a: 1, b: 3 } },
      { type: 'x' },
      { type: 'x', payload: { a: 1, b: 2, c: 3 } },
    ]) {
      const { body: problem } = await submit(caller, 'k', body).expect(422);
      expect(problem).toMatchObject({ status: 422, code: 'idempotency-key-reused' });
    }
    const again = await submit(caller, 'k', { payload: { b: 2, a: 1 }, type: 'x' }).expect(201);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(await charged(caller)).toEqual({ used: 1, rows: 1 });
  });

  it('of two bodies at once belongs to one of them', async () => {
    const caller = await user();
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => submit(caller, 'two', { type: i % 4 < 2 ? 'x' : 'y' }, i % 2)));
    const types = new Set(answers.filter(({ status }) => status === 201).map(({ body }) => body.type as string));
    expect(types.size).toBe(1);
    expect(answers.every(({ status }) => [201, 409, 422].includes(status))).toBe(true);
    expect(await charged(caller)).toEqual({ used: 1, rows: 1 });
  });

  it('may be quoted, as the structured-field string of the draft', async () => {
    const caller = await user();
    const first = await submit(caller, 'k-1').expect(201);
    expect((await submit(caller, '"k-1"').expect(201)).text).toBe(first.text);
    const escaped = await submit(caller, '"a\\"b\\\\c"').expect(201);
    expect((await submit(caller, 'a"b\\c').expect(201)).text).toBe(escaped.text);
    expect(await charged(caller)).toEqual({ used: 2, rows: 2 });
  });

  it('has 1 to 255 visible ASCII characters', async () => {
    const caller = await user();
    for (const key of ['x', 'x'.repeat(255), `"${'x'.repeat(255)}"`, '!', '~', '"', "';--"]) await submit(caller, key).expect(201);
    for (const key of ['x'.repeat(256), `"${'x'.repeat(256)}"`, '', '""', 'a b', '"a b"', 'a\tb', 'ü']) {
      const { body } = await submit(caller, key).expect(400);
      expect(body).toMatchObject({ code: 'malformed-idempotency-key', errors: [{ pointer: '#/headers/idempotency-key' }] });
    }
  });

  it('belongs to one user and one route', async () => {
    const one = await user();
    const other = await user();
    const a = await submit(one, 'k').expect(201);
    const b = await submit(other, 'k').expect(201);
    expect(a.body.id).not.toBe(b.body.id);
    const admin = await makeAdmin(service);
    await submit(admin, 'k').expect(201);
    await service.as(admin).post('/v1/tiers').set('idempotency-key', 'k').send({ name: 'keyed', dailyQuota: 1 }).expect(201);
    await service.as(admin).post('/v1/users').set('idempotency-key', 'k').send({ email: 'keyed@example.com', password: 'correct horse' }).expect(201);
  });

  it('is scoped to the user for whom a service key acts', async () => {
    const caller = await user({ dailyQuota: 9 });
    const backend = await makeUser(service, { role: 'admin', scopes: ['service', 'requests:write'] });
    const post = () => service.as(backend).post('/v1/requests').set('idempotency-key', 'k').send({ type: 'x', userId: caller.id, cost: 2 });
    const first = await post().expect(201);
    expect(first.body).toMatchObject({ userId: caller.id, cost: 2 });
    expect(first.headers.ratelimit).toContain('r=7;');
    expect((await post().expect(201)).text).toBe(first.text);
    expect(await charged(caller)).toEqual({ used: 2, rows: 1 });
  });

  it('is not stored with a refusal', async () => {
    const caller = await user({ dailyQuota: 1 });
    await submit(caller, 'bad', { type: 'UPPER' }).expect(400);
    await submit(caller, 'bad', { type: 'x' }).expect(201);
    await submit(caller, 'late').expect(429);
    await service.sql('UPDATE users SET api_quota_daily = 5 WHERE id = $1', [caller.id]);
    await submit(caller, 'late').expect(201);
    const admin = await makeAdmin(service);
    const tier = (body: object) => service.as(admin).post('/v1/tiers').set('idempotency-key', 'refused').send(body);
    await tier({ name: 'free', dailyQuota: 1 }).expect(409);
    await tier({ name: 'freed', dailyQuota: 1 }).expect(201);
  });

  it('is a new one after its retention of a day', async () => {
    const caller = await user();
    const first = await submit(caller, 'k').expect(201);
    await service.sql(`UPDATE idempotency_keys SET created_at = now() - interval '23 hours 59 minutes' WHERE user_id = $1`, [caller.id]);
    expect((await submit(caller, 'k').expect(201)).text).toBe(first.text);
    await service.sql(`UPDATE idempotency_keys SET created_at = now() - interval '24 hours 1 minute' WHERE user_id = $1`, [caller.id]);
    const second = await submit(caller, 'k', { type: 'another' }).expect(201);
    expect(second.headers['idempotency-replayed']).toBeUndefined();
    expect((await submit(caller, 'k', { type: 'another' }).expect(201)).text).toBe(second.text);
    expect(await charged(caller)).toEqual({ used: 2, rows: 2 });
  });

  it('makes one thing of 32 calls at once on the other routes that create', async () => {
    const admin = await makeAdmin(service);
    const calls = Array.from({ length: 32 }, (_, i) =>
      service.replicas[i % 2].as(admin).post('/v1/tiers').set('idempotency-key', 'storm').send({ name: 'storm', dailyQuota: 1 }),
    );
    const answers = await Promise.all(calls);
    const created = answers.filter(({ status }) => status === 201);
    expect(answers.filter(({ status }) => status !== 201)).toEqual([]);
    expect(new Set(created.map(({ text }) => text)).size).toBe(1);
    expect(created.filter(({ headers }) => headers['idempotency-replayed'] === undefined)).toHaveLength(1);
  });
});
