import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, PASSWORD, PASSWORD_HASH, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { logIn, type Session } from '../support/sessions';

const WRONG = 'not the password';

describe('sessions', () => {
  let service: Service;
  let admin: TestUser;
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    admin = await makeAdmin(service);
  });
  afterAll(() => service.close());

  const login = (email: string, password: string) => service.as().post('/v1/auth/login').send({ email, password });
  const refresh = (refreshToken: string) => service.as().post('/v1/auth/refresh').send({ refreshToken });
  const me = (session: Session, replica = 0) => service.replicas[replica].as(session.accessToken).get('/v1/users/me');
  const gone = async (session: Session) => {
    for (const replica of [0, 1]) await eventually(() => me(session, replica).expect(401), 1_000);
    await refresh(session.refreshToken).expect(401);
  };

  it('begin with a login by address in any case', async () => {
    const user = await makeUser(service, { email: 'Any.Case@example.com' });
    const { body } = await login('any.CASE@EXAMPLE.com', PASSWORD).expect(200);
    expect(body).toEqual({ accessToken: expect.any(String), tokenType: 'Bearer', expiresIn: 900, refreshToken: expect.any(String) });
    expect((await me(body as Session).expect(200)).body.id).toBe(user.id);
  });

  it('are refused alike for an unknown address, a wrong password and a suspended account', async () => {
    const user = await makeUser(service);
    const suspended = await makeUser(service);
    await service.sql(`UPDATE users SET status = 'suspended' WHERE id = $1`, [suspended.id]);
    const answers = [
      await login('nobody@example.com', WRONG).expect(401),
      await login(user.email, WRONG).expect(401),
      await login(suspended.email, PASSWORD).expect(401),
    ].map(({ body, headers }) => ({ ...body, instance: '', authenticate: headers['www-authenticate'] }));
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
    expect(answers[0]).toMatchObject({ code: 'login-refused', authenticate: expect.stringMatching(/^Bearer /) });
  });

  it('are refused for an account whose hash no password fits', async () => {
    await service.sql(`INSERT INTO users (email, password_hash) VALUES ('odd@example.com', 'not a hash')`);
    await login('odd@example.com', 'not a hash').expect(401);
  });

  it('are throttled after ten wrong passwords, for this account alone', async () => {
    const user = await makeUser(service);
    const other = await makeUser(service);
    for (let i = 0; i < 10; i++) await login(user.email, WRONG).expect(401);
    const { body, headers } = await login(user.email, PASSWORD).expect(429);
    expect(body.code).toBe('too-many-attempts');
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    await login(other.email, PASSWORD).expect(200);
  });

  it('are throttled though the wrong passwords come at once', async () => {
    const user = await makeUser(service);
    const answers = await Promise.all(Array.from({ length: 30 }, () => login(user.email, WRONG)));
    expect(answers.filter(({ status }) => status === 401).length).toBeLessThanOrEqual(10);
    expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(20);
  });

  it('store a new hash at login when the old one was made with other parameters', async () => {
    const user = await makeUser(service);
    const weak = '$argon2id$v=19$m=8192,t=1,p=1$mLNoR8ixIw3eLTuWYxdWjg$8IpTXUlYKKI4FDj6Kby2qG3JZ7+XVr3qPax3aUGYkyw';
    await service.sql('UPDATE users SET password_hash = $2 WHERE id = $1', [user.id, weak]);
    await login(user.email, PASSWORD).expect(200);
    const [row] = await service.sql('SELECT password_hash FROM users WHERE id = $1', [user.id]);
    expect(row.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  });

  it('go on by refresh tokens, each of which works once', async () => {
    const user = await makeUser(service);
    const first = await logIn(service, user);
    const { body: second } = await refresh(first.refreshToken).expect(200);
    expect(second.refreshToken).not.toBe(first.refreshToken);
    await me(second as Session).expect(200);
    const tokens = await service.sql<{ token_hash: Buffer }>('SELECT token_hash FROM sessions WHERE user_id = $1', [user.id]);
    expect(tokens.map((token) => token.token_hash.length)).toEqual([32]);
  });

  it('end as a whole when a refresh token is used twice, and leave other logins alone', async () => {
    const user = await makeUser(service);
    const stolen = await logIn(service, user);
    const other = await logIn(service, user);
    const { body: next } = await refresh(stolen.refreshToken).expect(200);
    const { body } = await refresh(stolen.refreshToken).expect(401);
    expect(body.code).toBe('refresh-refused');
    await refresh((next as Session).refreshToken).expect(401);
    await refresh(other.refreshToken).expect(200);
  });

  it('survive 16 refreshes at once with one token: one wins and the reuse ends the family', async () => {
    const session = await logIn(service, await makeUser(service));
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, i) => service.replicas[i % 2].as().post('/v1/auth/refresh').send({ refreshToken: session.refreshToken })),
    );
    const won = answers.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    await refresh((won[0].body as Session).refreshToken).expect(401);
  });

  it('end with a logout, and a logout of nothing is no error', async () => {
    const session = await logIn(service, await makeUser(service));
    await service.as().post('/v1/auth/logout').send({ refreshToken: session.refreshToken }).expect(204);
    await refresh(session.refreshToken).expect(401);
    await service.as().post('/v1/auth/logout').send({ refreshToken: 'qtr_nothing' }).expect(204);
  });

  it('end when a refresh token expires', async () => {
    const user = await makeUser(service);
    const session = await logIn(service, user);
    await service.sql(`UPDATE sessions SET expires_at = now() WHERE user_id = $1`, [user.id]);
    await refresh(session.refreshToken).expect(401);
  });

  it('end with a change of the password, access tokens at once on every replica', async () => {
    const user = await makeUser(service);
    const session = await logIn(service, user);
    for (const replica of [0, 1]) await me(session, replica).expect(200);
    const change = (body: object) => service.as(session.accessToken).put('/v1/users/me/password').send(body);
    expect((await change({ currentPassword: WRONG, newPassword: 'a new one, longer' }).expect(403)).body.code).toBe('wrong-password');
    expect((await change({ newPassword: 'a new one, longer' }).expect(403)).body.code).toBe('wrong-password');
    expect((await change({ currentPassword: PASSWORD, newPassword: 'short' }).expect(400)).body.errors[0].pointer).toBe('#/newPassword');
    await change({ currentPassword: PASSWORD, newPassword: 'a new one, longer' }).expect(204);
    await gone(session);
    await login(user.email, PASSWORD).expect(401);
    await me(await logIn(service, user, 'a new one, longer')).expect(200);
  });

  it('of somebody whose password an administrator changed end too; their own asks for the old one', async () => {
    const user = await makeUser(service);
    const session = await logIn(service, user);
    await service.as(admin).put(`/v1/users/${user.id}/password`).send({ newPassword: 'set by an admin' }).expect(204);
    await gone(session);
    await logIn(service, user, 'set by an admin');
    await service.as(admin).put('/v1/users/me/password').send({ newPassword: 'set by an admin' }).expect(403);
  });

  it('end with a suspension, keys too, and do not come back with the account', async () => {
    const user = await makeUser(service);
    const session = await logIn(service, user);
    for (const { as } of service.replicas) await as(user).get('/v1/users/me').expect(200);
    await service.as(admin).patch(`/v1/users/${user.id}`).send({ status: 'suspended' }).expect(200);
    await gone(session);
    for (const { as } of service.replicas) await eventually(() => as(user).get('/v1/users/me').expect(401), 1_000);
    await service.as(admin).patch(`/v1/users/${user.id}`).send({ status: 'active' }).expect(200);
    await eventually(() => service.as(user).get('/v1/users/me').expect(200), 1_000);
    await me(session).expect(401);
    await refresh(session.refreshToken).expect(401);
  });

  it.each([
    ['a suspension', `UPDATE users SET status = 'suspended' WHERE id = $1`],
    ['a raised token version', 'UPDATE users SET token_version = token_version + 1 WHERE id = $1'],
    ['a deletion', 'DELETE FROM users WHERE id = $1'],
  ])('end within a second of %s by plain SQL, on every replica', async (_, statement) => {
    const user = await makeUser(service);
    const session = await logIn(service, user);
    for (const replica of [0, 1]) await me(session, replica).expect(200);
    await service.sql(statement, [user.id]);
    await gone(session);
  });

  it('of an administrator lose their power at once when the role is taken away by plain SQL', async () => {
    const other = await makeAdmin(service);
    const session = await logIn(service, other);
    for (const replica of service.replicas) await replica.as(session.accessToken).get('/v1/users').expect(200);
    await service.sql(`UPDATE users SET role = 'user' WHERE id = $1`, [other.id]);
    for (const replica of service.replicas) await eventually(() => replica.as(session.accessToken).get('/v1/users').expect(403), 1_000);
    await eventually(() => service.as(other).get('/v1/users').expect(403), 1_000);
  });

  it('come with a password hash that another program wrote', async () => {
    await service.sql(`INSERT INTO users (email, password_hash) VALUES ('psql@example.com', $1)`, [PASSWORD_HASH]);
    const session = await logIn(service, { email: 'psql@example.com' });
    await me(session).expect(200);
  });
});
