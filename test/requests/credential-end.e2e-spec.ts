import { createHmac } from 'node:crypto';
import { hashKey, makeKey, shownPrefix } from '../../src/api-keys/key-format';
import { promisesByTheClock } from '../support/clock-promises';
import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type RawConnection, rawConnection } from '../support/raw-connection';
import { type Service, startService } from '../support/service';
import { logIn } from '../support/sessions';
import { claim, makeWorker, newType, submit } from './work';

promisesByTheClock();

/** Promised is one second; two cores that are taken may need another. */
const PROMISED_MS = 1_900;

describe('a call that is held open', () => {
  let service: Service;
  let admin: TestUser;
  const open: RawConnection[] = [];
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    admin = await makeAdmin(service);
  });
  afterEach(() => open.splice(0).forEach(({ socket }) => socket.destroy()));
  afterAll(() => service.close());

  const ask = async (method: string, path: string, credential: string, body?: object) => {
    // On the other replica than the one that changes things.
    const wire = await rawConnection(service.replicas[1].url);
    open.push(wire);
    wire.send(method, path, credential, body);
    return wire;
  };
  const includes = (wire: RawConnection, text: string) => eventually(() => wire.text().includes(text));
  const timed = async (end: () => PromiseLike<unknown>, wait: () => Promise<unknown>) => {
    await end();
    const from = performance.now();
    await wait();
    return performance.now() - from;
  };
  /** A second key of the user, so that the first one is left to look with. */
  const anotherKey = async (user: TestUser, scopes = '{requests:read,requests:write}') => {
    const key = makeKey();
    const sql = `INSERT INTO api_keys (user_id, name, prefix, key_hash, scopes) VALUES ($1, 'held', $2, $3, $4) RETURNING id`;
    const [{ id }] = await service.sql<{ id: number }>(sql, [user.id, shownPrefix(key), hashKey(key), scopes]);
    return { id, key };
  };
  const asAdmin = () => service.as(admin);

  type End = (user: TestUser, keyId: number) => PromiseLike<unknown>;
  const ENDS: [string, End][] = [
    ['its key is deleted', ({ id }, keyId) => asAdmin().delete(`/v1/users/${id}/api-keys/${keyId}`).expect(204)],
    ['its key is rotated away', ({ id }, keyId) => asAdmin().post(`/v1/users/${id}/api-keys/${keyId}/rotate`).expect(200)],
    ['its key is revoked by SQL', (_, keyId) => service.sql('UPDATE api_keys SET revoked_at = now() WHERE id = $1', [keyId])],
    ['its key is expired by SQL', (_, keyId) => service.sql('UPDATE api_keys SET expires_at = now() WHERE id = $1', [keyId])],
    ['its key loses the scope', (_, keyId) => service.sql(`UPDATE api_keys SET scopes = '{quota:read}' WHERE id = $1`, [keyId])],
    ['its key is deleted by SQL', (_, keyId) => service.sql('DELETE FROM api_keys WHERE id = $1', [keyId])],
    ['its user is suspended', ({ id }) => asAdmin().patch(`/v1/users/${id}`).send({ status: 'suspended' }).expect(200)],
    ['its user is suspended by SQL', ({ id }) => service.sql(`UPDATE users SET status = 'suspended' WHERE id = $1`, [id])],
    ['its user is deleted', ({ id }) => asAdmin().delete(`/v1/users/${id}`).expect(204)],
  ];

  it.each(ENDS)('as a stream ends within a second when %s, and others go on', async (_, end) => {
    const user = await makeUser(service);
    const other = await makeUser(service);
    const { id } = await submit(service, user, newType());
    const others = await submit(service, other, newType());
    const held = await anotherKey(user);
    const wire = await ask('GET', `/v1/requests/${id}/events`, held.key);
    const neighbour = await ask('GET', `/v1/requests/${others.id}/events`, other.key);
    await Promise.all([includes(wire, 'pending'), includes(neighbour, 'pending')]);
    expect(
      await timed(
        () => end(user, held.id),
        () => includes(wire, '\r\n0\r\n\r\n'),
      ),
    ).toBeLessThan(PROMISED_MS);
    expect(neighbour.text()).not.toContain('\r\n0\r\n\r\n');
  });

  it.each(ENDS)('as `Prefer: wait` is refused within a second when %s', async (_, end) => {
    const user = await makeUser(service);
    const held = await anotherKey(user);
    const wire = await rawConnection(service.replicas[1].url);
    open.push(wire);
    const body = JSON.stringify({ type: newType() });
    wire.socket.write(
      `POST /v1/requests HTTP/1.1\r\nhost: q\r\nauthorization: Bearer ${held.key}\r\nprefer: wait=30\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    await eventually(async () => (await service.sql('SELECT FROM requests WHERE user_id = $1', [user.id])).length === 1);
    expect(
      await timed(
        () => end(user, held.id),
        () => includes(wire, '"status":40'),
      ),
    ).toBeLessThan(PROMISED_MS);
    expect(wire.text()).toMatch(/^HTTP\/1\.1 40[13] /);
  });

  it.each(ENDS)('as a worker’s claim is refused within a second when %s, and no attempt is burnt', async (_, end) => {
    const user = await makeUser(service);
    const worker = await makeUser(service);
    const type = newType();
    const held = await anotherKey(worker, '{worker}');
    const wire = await ask('POST', '/v1/requests/claim', held.key, { types: [type], waitSeconds: 30 });
    await service.replicas[1].as(worker).get('/v1/users/me').expect(200);
    expect(
      await timed(
        () => end(worker, held.id),
        () => includes(wire, '"status":40'),
      ),
    ).toBeLessThan(PROMISED_MS);
    expect(wire.text()).toMatch(/^HTTP\/1\.1 40[13] /);
    const { id } = await submit(service, user, type);
    expect(await claim(service, await makeWorker(service), type)).toMatchObject([{ id, attempt: 1 }]);
    expect(wire.text()).not.toContain(id);
  });

  it('is not handed a payload by a request that comes right after its key was revoked', async () => {
    const user = await makeUser(service);
    const worker = await makeUser(service);
    const type = newType();
    const held = await anotherKey(worker, '{worker}');
    const wire = await ask('POST', '/v1/requests/claim', held.key, { types: [type], waitSeconds: 30 });
    await service.replicas[1].as(worker).get('/v1/users/me').expect(200);
    await service.sql('DELETE FROM api_keys WHERE id = $1', [held.id]);
    await includes(wire, 'credentials-invalid');
    const { id } = await service.replicas[1]
      .as(user)
      .post('/v1/requests')
      .send({ type })
      .expect(201)
      .then(({ body }) => body);
    expect(wire.text()).toMatch(/^HTTP\/1\.1 401 /);
    expect(wire.text()).not.toContain(id);
  });

  it('ends when its key expires by the clock', async () => {
    const user = await makeUser(service);
    const { id } = await submit(service, user, newType());
    const held = await anotherKey(user);
    await service.sql(`UPDATE api_keys SET expires_at = now() + interval '1500 milliseconds' WHERE id = $1`, [held.id]);
    const from = performance.now();
    const wire = await ask('GET', `/v1/requests/${id}/events`, held.key);
    await includes(wire, 'pending');
    await includes(wire, '\r\n0\r\n\r\n');
    expect(performance.now() - from).toBeGreaterThan(1_300);
    expect(performance.now() - from).toBeLessThan(1_500 + PROMISED_MS);
  });

  it('ends when its access token expires', async () => {
    const user = await makeUser(service);
    const { id } = await submit(service, user, newType());
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const now = Math.floor(Date.now() / 1_000);
    const claims = { sub: String(user.id), ver: 0, iss: 'quotidian', aud: 'quotidian', iat: now, exp: now + 2 };
    const signed = `${encode({ alg: 'HS256', typ: 'at+jwt' })}.${encode(claims)}`;
    const secret = Buffer.from('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'hex');
    const wire = await ask('GET', `/v1/requests/${id}/events`, `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`);
    await includes(wire, 'pending');
    await includes(wire, '\r\n0\r\n\r\n');
    expect(Date.now()).toBeLessThan((now + 2) * 1_000 + PROMISED_MS);
  });

  it.each<[string, (user: TestUser, refreshToken: string) => PromiseLike<unknown>]>([
    ['the password changes', ({ id }) => asAdmin().put(`/v1/users/${id}/password`).send({ newPassword: 'another horse battery' }).expect(204)],
    ['the user is suspended', ({ id }) => asAdmin().patch(`/v1/users/${id}`).send({ status: 'suspended' }).expect(200)],
    ['it is logged out', (_, refreshToken) => service.as().post('/v1/auth/logout').send({ refreshToken }).expect(204)],
    [
      'a refresh token is used twice',
      async (_, refreshToken) => {
        await service.as().post('/v1/auth/refresh').send({ refreshToken }).expect(200);
        await service.as().post('/v1/auth/refresh').send({ refreshToken }).expect(401);
      },
    ],
    ['it is deleted by SQL', ({ id }) => service.sql('DELETE FROM sessions WHERE user_id = $1', [id])],
    ['it is expired by SQL', ({ id }) => service.sql('UPDATE sessions SET expires_at = now() WHERE user_id = $1', [id])],
  ])('by a session ends when %s, and its access token with it', async (_, end) => {
    const user = await makeUser(service);
    const { id } = await submit(service, user, newType());
    const { accessToken, refreshToken } = await logIn(service, user);
    const wire = await ask('GET', `/v1/requests/${id}/events`, accessToken);
    await includes(wire, 'pending');
    expect(
      await timed(
        () => end(user, refreshToken),
        () => includes(wire, '\r\n0\r\n\r\n'),
      ),
    ).toBeLessThan(PROMISED_MS);
    await service.replicas[1].as(accessToken).get('/v1/users/me').expect(401);
  });

  it('by one session goes on when another one of the user is logged out', async () => {
    const user = await makeUser(service);
    const { id } = await submit(service, user, newType());
    const { accessToken } = await logIn(service, user);
    const { refreshToken } = await logIn(service, user);
    const wire = await ask('GET', `/v1/requests/${id}/events`, accessToken);
    await includes(wire, 'pending');
    await service.as().post('/v1/auth/logout').send({ refreshToken }).expect(204);
    await service.as(user).post(`/v1/requests/${id}/cancel`).expect(200);
    await includes(wire, '"status":"canceled"');
  });

  it('by an administrator on somebody else’s request ends when they are no administrator any more', async () => {
    const user = await makeUser(service);
    const once = await makeAdmin(service);
    const { id } = await submit(service, user, newType());
    const wire = await ask('GET', `/v1/requests/${id}/events`, (await anotherKey(once, '{requests:read,admin}')).key);
    await includes(wire, 'pending');
    expect(
      await timed(
        () => asAdmin().patch(`/v1/users/${once.id}`).send({ role: 'user' }).expect(200),
        () => includes(wire, '\r\n0\r\n\r\n'),
      ),
    ).toBeLessThan(PROMISED_MS);
  });

  it('goes on when something changes that it does not depend on', async () => {
    const user = await makeUser(service);
    const { id } = await submit(service, user, newType());
    const held = await anotherKey(user);
    const wire = await ask('GET', `/v1/requests/${id}/events`, held.key);
    await includes(wire, 'pending');
    await service.sql(`UPDATE api_keys SET daily_cap = 5 WHERE id = $1`, [held.id]);
    await service.as(user).post(`/v1/requests/${id}/cancel`).expect(200);
    await includes(wire, '"status":"canceled"');
  });

  it('as a long poll is bounded for each user, before anything is charged', async () => {
    const user = await makeUser(service);
    const worker = await makeWorker(service);
    const { replicas } = service;
    const type = newType();
    for (let i = 0; i < 100; i++) await ask('POST', '/v1/requests/claim', worker.key, { types: [type], waitSeconds: 30 });
    const refused = await eventually(async () => {
      return replicas[1]
        .as(worker)
        .post('/v1/requests/claim')
        .send({ types: [type], waitSeconds: 1 })
        .expect(429);
    });
    expect(refused.body).toMatchObject({ code: 'too-many-streams', max: 100 });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    // Without a wait it is no long poll; and others wait as before.
    await claim(replicas[1], worker, type);
    await replicas[1].as(user).post('/v1/requests').set('prefer', 'wait=1').send({ type: newType() }).expect(201);
  });
});
