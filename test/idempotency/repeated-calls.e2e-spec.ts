import { Client } from 'pg';
import { IdempotencyService } from '../../src/idempotency/idempotency.service';
import { promisesByTheClock } from '../support/clock-promises';
import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, PASSWORD, type TestUser } from '../support/factories';
import { type Replica, type Service, startReplica, startService } from '../support/service';
import { logIn } from '../support/sessions';
import { writeKey } from '../support/settings';

promisesByTheClock();

const OTHER_KEY = '202122232425262728292a2b2c2d2e2f000102030405060708090a0b0c0d0e0f';
const FIRST_KEY = '101112131415161718191a1b1c1d1e1f000102030405060708090a0b0c0d0e0f';

const ROW = 'SELECT created_at::text AS at, response_body AS text FROM idempotency_keys WHERE user_id = $1';

describe('a call repeated under its Idempotency-Key', () => {
  let service: Service;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    admin = await makeAdmin(service);
  });
  afterAll(() => service.close());

  const post = (path: string, key: string, body: object, caller: TestUser = admin, replica: Replica = service) =>
    replica.as(caller).post(path).set('idempotency-key', key).send(body);
  const charged = async ({ id }: TestUser) =>
    (await service.sql<{ used: number }>('SELECT api_quota_used_today AS used FROM users WHERE id = $1', [id]))[0]?.used;

  describe('that submits many', () => {
    const batch = (user: TestUser, key: string, types: string[], replica = 0) =>
      post('/v1/requests/batch', key, { items: types.map((type) => ({ type, payload: { b: 1, a: 2 } })) }, user, service.replicas[replica]);

    it('is answered by the first answer, refusals among it, and charges nothing', async () => {
      const user = await makeUser(service, { dailyQuota: 2 });
      const first = await batch(user, 'k', ['a', 'b', 'c']).expect(200);
      expect((first.body.items as { status: number }[]).map(({ status }) => status)).toEqual([201, 201, 429]);
      await service.sql('UPDATE users SET api_quota_daily = 9 WHERE id = $1', [user.id]);
      for (const replica of [0, 1]) {
        const again = await batch(user, 'k', ['a', 'b', 'c'], replica).expect(200);
        expect([again.text, again.headers['content-type']]).toEqual([first.text, first.headers['content-type']]);
        expect(again.headers['idempotency-replayed']).toBe('true');
      }
      expect(first.headers['idempotency-replayed']).toBeUndefined();
      expect(await charged(user)).toBe(2);
    });

    it('with another body is 422 and charges nothing', async () => {
      const user = await makeUser(service);
      await batch(user, 'k', ['a', 'b']).expect(200);
      for (const types of [['a'], ['b', 'a'], ['a', 'b', 'c']]) {
        expect((await batch(user, 'k', types).expect(422)).body.code).toBe('idempotency-key-reused');
      }
      expect(await charged(user)).toBe(2);
    });

    it('at once with itself is one, on two replicas', async () => {
      const user = await makeUser(service);
      const answers = await Promise.all(Array.from({ length: 16 }, (_, i) => batch(user, 'k', ['a', 'b'], i % 2).expect(200)));
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
      expect(answers.filter(({ headers }) => headers['idempotency-replayed'] === undefined)).toHaveLength(1);
      expect(await charged(user)).toBe(2);
    });

    it('of which nothing was charged is a call of its own, and leaves no row', async () => {
      const user = await makeUser(service, { dailyQuota: 0 });
      await batch(user, 'k', ['a', 'b']).expect(200);
      expect(await service.sql('SELECT 1 FROM idempotency_keys WHERE user_id = $1', [user.id])).toEqual([]);
      await service.sql('UPDATE users SET api_quota_daily = 9 WHERE id = $1', [user.id]);
      const { body } = await batch(user, 'k', ['a', 'b']).expect(200);
      expect((body.items as { status: number }[]).map(({ status }) => status)).toEqual([201, 201]);
    });

    it('goes on where the first one died, charging what it had charged no second time', async () => {
      const user = await makeUser(service);
      const first = await batch(user, 'k', ['a', 'b']).expect(200);
      // As a process leaves it that dies before it kept its answer.
      await service.sql(
        `UPDATE idempotency_keys SET response_status = 102, response_body = NULL, created_at = now() - interval '1 minute' WHERE user_id = $1 AND scope = 'requests.batch'`,
        [user.id],
      );
      await batch(user, 'k', ['a', 'c']).expect(422);
      const again = await batch(user, 'k', ['a', 'b'], 1).expect(200);
      expect(again.body).toEqual(first.body);
      expect(await charged(user)).toBe(2);
    });

    it('is nobody else’s while it renews its lease, and keeps no answer once another process took it over', async () => {
      const user = await makeUser(service);
      const call = { subject: `${user.id}`, userId: user.id, scope: 'requests.batch', key: 'k', content: {}, bounded: false, headersOf: () => ({}) };
      const row = async () => (await service.sql<{ at: string; text: string | null }>(ROW, [user.id]))[0];
      const [here, there] = service.replicas.map(({ app }) => app.get(IdempotencyService)) as [IdempotencyService, IdempotencyService];
      const answer = (text: string) => ({ status: 200, text: `"${text}"`, kept: true });
      let end: () => void = () => undefined;
      const first = here.inParts(call, () => new Promise((resolve) => (end = () => resolve(answer('first')))));
      const begun = await eventually(async () => (await row()) ?? false);
      await eventually(async () => (await row())?.at !== begun.at);
      // As it is when its process was stopped for longer than others wait.
      await service.sql(`UPDATE idempotency_keys SET created_at = now() - interval '1 minute' WHERE user_id = $1`, [user.id]);
      await there.inParts(call, () => Promise.resolve(answer('second')));
      end();
      expect((await first).text).toBe('"first"');
      expect((await row())?.text).toBe('"second"');
    });
  });

  it('that registers makes one account, answered with Location and ETag; another password is 422, another key finds the address taken', async () => {
    const body = { email: 'Registered@example.com', password: PASSWORD };
    const register = (key: string, sent: object = body, replica = 0) =>
      service.replicas[replica].as().post('/v1/auth/register').set('idempotency-key', key).send(sent);
    const answers = await Promise.all(Array.from({ length: 6 }, (_, i) => register('k', body, i % 2).expect(201)));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(new Set(answers.map(({ headers }) => `${headers.location} ${headers.etag}`)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers['idempotency-replayed'] === undefined)).toHaveLength(1);
    expect((await register('k', { ...body, password: `${PASSWORD}!` }).expect(422)).body.code).toBe('idempotency-key-reused');
    expect((await register('other').expect(409)).body.code).toBe('email-taken');
    await register('k', { email: 'another@example.com', password: PASSWORD }).expect(201);
  });

  it('with another secret is 422, and no stored row shows the secret by a plain hash', async () => {
    const made = { email: 'secretive@example.com', password: PASSWORD };
    await post('/v1/users', 'secret', made).expect(201);
    await post('/v1/users', 'secret', { ...made, password: `${PASSWORD}!` }).expect(422);
    await post('/v1/users', 'secret', made).expect(201);
    await service
      .as(admin)
      .put('/v1/configurations/app.secret')
      .set('if-none-match', '*')
      .send({ value: 'old', schema: { type: 'string' }, visibility: 'secret' })
      .expect(201);
    const propose = (value: string) => post('/v1/configurations/app.secret/changes', 'change', { value }).set('if-match', '*');
    await propose('one').expect(201);
    await propose('two').expect(422);
    await propose('one').expect(201);
  });

  it('is answered with the Location and ETag of the first answer', async () => {
    const calls: [string, object][] = [
      ['/v1/users', { email: 'located@example.com', password: PASSWORD }],
      ['/v1/tiers', { name: 'located', dailyQuota: 1 }],
      ['/v1/users/me/api-keys', { name: 'located' }],
      [`/v1/users/${admin.id}/api-keys`, { name: 'located by id' }],
    ];
    for (const [i, [path, body]] of calls.entries()) {
      const first = await post(path, `located-${i}`, body).expect(201);
      const again = await post(path, `located-${i}`, body).expect(201);
      const { location, etag } = first.headers;
      expect(location).toMatch(/^\/v1\//);
      expect([again.headers.location, again.headers.etag]).toEqual([location, etag]);
    }
  });

  it('that made an API key is answered by its description alone, after the secrets were rotated too', async () => {
    const first = await post('/v1/users/me/api-keys', 'rotated', { name: 'kept in no form' }).expect(201);
    const rotated = await startReplica(service.databaseUrl, { SECRETS_KEY: OTHER_KEY, SECRETS_KEY_PREVIOUS: FIRST_KEY });
    const later = await startReplica(service.databaseUrl, { SECRETS_KEY: OTHER_KEY });
    try {
      for (const replica of [service, rotated, later]) {
        const again = await post('/v1/users/me/api-keys', 'rotated', { name: 'kept in no form' }, admin, replica).expect(201);
        expect(again.body).toEqual({ ...first.body, key: null });
        expect(again.headers['idempotency-replayed']).toBe('true');
      }
    } finally {
      await Promise.all([rotated.close(), later.close()]);
    }
  });

  it('waits for the first one, no longer than five seconds, and keeps nobody else waiting', async () => {
    // As other processes that are at work under the keys: three calls of each user are under way at once.
    const owners = await Promise.all(Array.from({ length: 10 }, () => makeAdmin(service)));
    const slow = (owner: TestUser) => post('/v1/tiers', 'slow', { name: 'slow', dailyQuota: 1 }, owner);
    const first = new Client({ connectionString: service.databaseUrl });
    await first.connect();
    try {
      for (const { id } of owners) await first.query(`SELECT pg_advisory_lock(hashtextextended($1, 0))`, [`${id} tiers.create slow`]);
      const startedAt = performance.now();
      const waiting = owners.flatMap((owner) => Array.from({ length: 3 }, () => slow(owner).then((answer) => answer)));
      await service.as(admin).get('/v1/users?limit=1').expect(200);
      expect(performance.now() - startedAt).toBeLessThan(4_000);
      for (const { status, body, headers } of await Promise.all(waiting)) {
        expect([status, body.code, headers['retry-after']]).toEqual([409, 'idempotency-key-in-use', '1']);
      }
      expect(performance.now() - startedAt).toBeGreaterThan(4_500);
      const late = slow(owners[0]).expect(201);
      const answer = late.then(({ body }) => body as object);
      await first.query(`SELECT pg_advisory_unlock_all()`);
      expect(await answer).toMatchObject({ name: 'slow' });
    } finally {
      await first.end();
    }
  }, 20_000);

  it('is kept for so many calls of a user, and no more', async () => {
    await writeKey(service, admin, 'idempotency.maxAnswersPerUser', { value: 100 });
    const user = await makeUser(service);
    const session = { key: (await logIn(service, user)).accessToken } as TestUser;
    await service.sql(
      `INSERT INTO idempotency_keys (user_id, scope, key, fingerprint, response_status, response_body)
       SELECT $1, 'api-keys.create', 'k' || n, '\\x00', 201, '{}' FROM generate_series(1, 100) n`,
      [user.id],
    );
    const { body } = await post('/v1/users/me/api-keys', 'one-more', { name: 'x' }, session).expect(409);
    expect(body.code).toBe('too-many-idempotency-keys');
    await service.as(session).post('/v1/users/me/api-keys').send({ name: 'x' }).expect(201);
    expect((await service.as(session).get('/v1/users/me/api-keys').expect(200)).body.items).toHaveLength(2);
  });
});
