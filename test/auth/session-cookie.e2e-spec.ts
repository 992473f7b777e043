import { SignInLinksService } from '../../src/auth/sign-in-links.service';
import { makeUser, PASSWORD, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';

const ATTRIBUTES = 'Path=/v1/auth; Max-Age=2592000; HttpOnly; SameSite=Strict';
const OWN = { 'sec-fetch-site': 'same-origin' };

/** A browser's session: its cookie, and what a page of ours holds in memory. */
interface BrowserSession {
  cookie: string;
  accessToken: string;
}

describe('a session in a cookie', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService({ environment: { TRUST_PROXY: '127.0.0.1' } });
  });
  afterAll(() => service.close());

  const post = (path: string, body: object, headers: Record<string, string>) => service.as().post(`/v1/auth/${path}`).set(headers).send(body);
  const cookieOf = ({ headers }: { headers: Record<string, unknown> }): string => ((headers['set-cookie'] as string[] | undefined) ?? [''])[0];
  const sent = (cookie: string) => cookie.split(';')[0];

  async function logIn(user: TestUser, headers: Record<string, string> = OWN): Promise<BrowserSession> {
    const answer = await post('login', { email: user.email, password: PASSWORD, cookie: true }, headers).expect(200);
    return { cookie: cookieOf(answer), accessToken: (answer.body as BrowserSession).accessToken };
  }
  const refresh = (cookie: string, headers: Record<string, string> = OWN) => post('refresh', {}, { ...headers, cookie: sent(cookie) });
  const sessionsOf = (user: TestUser) => service.sql('SELECT id FROM sessions WHERE user_id = $1', [user.id]);

  it('keeps its refresh token where no page can read it, and out of the answer', async () => {
    const user = await makeUser(service);
    const answer = await post('login', { email: user.email, password: PASSWORD, cookie: true }, OWN).expect(200);
    expect(answer.body).toEqual({ accessToken: expect.any(String), tokenType: 'Bearer', expiresIn: 900 });
    expect(cookieOf(answer)).toMatch(new RegExp(`^quotidian-session=qtr_[\\w-]{64}; ${ATTRIBUTES}$`));
    await service
      .as((answer.body as BrowserSession).accessToken)
      .get('/v1/users/me')
      .expect(200);
  });

  it('has no cookie unless one is asked for', async () => {
    const user = await makeUser(service);
    const answer = await post('login', { email: user.email, password: PASSWORD, cookie: false }, {}).expect(200);
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(answer.body.refreshToken).toMatch(/^qtr_/);
  });

  it('is marked Secure, under a name that only https can set, when the browser came by https', async () => {
    const user = await makeUser(service);
    const https = { ...OWN, 'x-forwarded-proto': 'https' };
    const { cookie } = await logIn(user, https);
    expect(cookie).toMatch(/^__Secure-quotidian-session=qtr_[\w-]{64}; .*; Secure$/);
    await refresh(cookie, https).expect(200);
    await refresh(cookie.replace('__Secure-', ''), https).expect(401);
  });

  it('belongs to the path prefix that a trusted proxy reports', async () => {
    const user = await makeUser(service);
    const below = (prefix: string) => logIn(user, { ...OWN, 'x-forwarded-prefix': prefix });
    expect((await below('/quotas/')).cookie).toContain('; Path=/quotas/v1/auth;');
    expect((await below('/x; Domain=evil.example')).cookie).toContain('; Path=/v1/auth;');
    expect((await below('//evil.example')).cookie).toContain('; Path=/v1/auth;');
  });

  it('goes on by its cookie, which is another one each time', async () => {
    const user = await makeUser(service);
    const first = await logIn(user);
    const answer = await refresh(first.cookie).expect(200);
    expect(answer.body).toEqual({ accessToken: expect.any(String), tokenType: 'Bearer', expiresIn: 900 });
    expect(cookieOf(answer)).toContain(ATTRIBUTES);
    expect(sent(cookieOf(answer))).not.toBe(sent(first.cookie));
    await refresh(cookieOf(answer)).expect(200);
  });

  it('survives tabs that refresh at once, and an answer that was lost: all get the same cookie', async () => {
    const user = await makeUser(service);
    const { cookie } = await logIn(user);
    const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(cookie)));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
    expect(new Set(answers.map((answer) => sent(cookieOf(answer)))).size).toBe(1);
    await refresh(cookieOf(answers[0])).expect(200);
  });

  it('ends as a whole when an earlier cookie comes back later than that', async () => {
    const user = await makeUser(service);
    const { cookie } = await logIn(user);
    const next = await refresh(cookie).expect(200);
    await service.sql(`UPDATE sessions SET last_used_at = last_used_at - interval '11 seconds' WHERE user_id = $1`, [user.id]);
    const { body } = await refresh(cookie).expect(401);
    expect(body.code).toBe('refresh-refused');
    await refresh(cookieOf(next)).expect(401);
    expect(await sessionsOf(user)).toEqual([]);
  });

  it('ends as a whole when a cookie before the last one comes back at once', async () => {
    const user = await makeUser(service);
    const { cookie } = await logIn(user);
    const second = await refresh(cookie).expect(200);
    await refresh(cookieOf(second)).expect(200);
    await refresh(cookie).expect(401);
    expect(await sessionsOf(user)).toEqual([]);
  });

  it('gives no grace to a stolen token that is used as a bearer', async () => {
    const user = await makeUser(service);
    const { cookie } = await logIn(user);
    await refresh(cookie).expect(200);
    await post('refresh', { refreshToken: sent(cookie).split('=')[1] }, {}).expect(401);
    expect(await sessionsOf(user)).toEqual([]);
  });

  const foreign: [string, Record<string, string>][] = [
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['another host of the same site', { 'sec-fetch-site': 'same-site' }],
    ['a browser that names another origin', { origin: 'https://evil.example' }],
    ['a frame without an origin', { origin: 'null' }],
    ['a same-origin claim in Origin against Sec-Fetch-Site', { 'sec-fetch-site': 'cross-site', origin: 'http://127.0.0.1' }],
    ['a caller that states neither', {}],
  ];
  it.each(foreign)('does nothing for %s', async (_, headers) => {
    const user = await makeUser(service);
    const { cookie } = await logIn(user);
    for (const path of ['refresh', 'logout']) {
      const { body } = await post(path, {}, { ...headers, cookie: sent(cookie) }).expect(403);
      expect(body.code).toBe('cross-site-refused');
    }
    await post('login', { email: user.email, password: PASSWORD, cookie: true }, headers).expect(403);
    await refresh(cookie).expect(200);
  });

  it('is for browsers without Sec-Fetch-Site, too: their Origin is compared', async () => {
    const own = { origin: service.url };
    const { cookie } = await logIn(await makeUser(service), own);
    await refresh(cookie, own).expect(200);
  });

  it('is not one that another page of the site slipped in beside it', async () => {
    const [user, attacker] = await Promise.all([makeUser(service), makeUser(service)]);
    const [{ cookie }, planted] = await Promise.all([logIn(user), logIn(attacker)]);
    const both = { ...OWN, cookie: `${sent(planted.cookie)}; ${sent(cookie)}` };
    await post('refresh', {}, both).expect(401);
    await refresh(cookie).expect(200);
  });

  it('ends with a logout, which has the browser forget it; without one there is nothing to end', async () => {
    const user = await makeUser(service);
    const { cookie } = await logIn(user);
    const answer = await post('logout', {}, { ...OWN, cookie: sent(cookie) }).expect(204);
    expect(cookieOf(answer)).toBe('quotidian-session=; Path=/v1/auth; Max-Age=0; HttpOnly; SameSite=Strict');
    await refresh(cookie).expect(401);
    await post('logout', {}, OWN).expect(204);
    await post('refresh', {}, OWN).expect(401);
    for (const nonsense of ['', 'qtr_nothing', '%00', '<script>']) await refresh(`quotidian-session=${nonsense}`).expect(401);
  });

  it('authenticates nothing but itself', async () => {
    const { cookie } = await logIn(await makeUser(service));
    await service
      .as()
      .get('/v1/users/me')
      .set({ ...OWN, cookie: sent(cookie) })
      .expect(401);
  });
});

describe('a link that signs in', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService();
  });
  afterAll(() => service.close());

  const linkOf = (user: TestUser) => service.app.get(SignInLinksService).make(user);
  const use = (token: string, more: object = {}, headers: Record<string, string> = {}) =>
    service
      .as()
      .post('/v1/auth/sign-in-link')
      .set(headers)
      .send({ token, ...more });
  const tokensOf = (user: TestUser) => service.sql<{ token_hash: Buffer }>('SELECT token_hash FROM one_time_tokens WHERE user_id = $1', [user.id]);

  it('works once, and of many at once for one', async () => {
    const user = await makeUser(service);
    const token = await linkOf(user);
    const answers = await Promise.all(Array.from({ length: 8 }, () => use(token)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(7).fill(400)]);
    const won = answers.find(({ status }) => status === 200);
    await service
      .as((won?.body as BrowserSession).accessToken)
      .get('/v1/users/me')
      .expect(200);
    expect((await use(token).expect(400)).body.code).toBe('token-refused');
  });

  it('is stored in no form that opens anything, and is over after ten minutes', async () => {
    const user = await makeUser(service);
    const token = await linkOf(user);
    const [{ token_hash: hash }] = await tokensOf(user);
    expect(hash).toHaveLength(32);
    await use(`qto_${hash.toString('base64url')}`).expect(400);
    const [{ seconds }] = await service.sql<{ seconds: string }>(
      'SELECT extract(epoch FROM expires_at - created_at)::integer AS seconds FROM one_time_tokens WHERE user_id = $1',
      [user.id],
    );
    expect(Number(seconds)).toBe(600);
    await service.sql('UPDATE one_time_tokens SET expires_at = now() WHERE user_id = $1', [user.id]);
    await use(token).expect(400);
  });

  it('sets a new password in the same act, or neither of both, and ends what went on before', async () => {
    const user = await makeUser(service);
    const token = await linkOf(user);
    const earlier = await service.as().post('/v1/auth/login').send({ email: user.email, password: PASSWORD }).expect(200);
    await use(token, { newPassword: 'short' }).expect(400);
    await use(token, { newPassword: 'another long password' }).expect(200);
    await service.as().post('/v1/auth/login').send({ email: user.email, password: PASSWORD }).expect(401);
    await service.as().post('/v1/auth/login').send({ email: user.email, password: 'another long password' }).expect(200);
    await service
      .as()
      .post('/v1/auth/refresh')
      .send({ refreshToken: (earlier.body as { refreshToken: string }).refreshToken })
      .expect(401);
  });

  it('begins a session in a cookie for a page of ours, and for no other', async () => {
    const user = await makeUser(service);
    const token = await linkOf(user);
    await use(token, { cookie: true }, { 'sec-fetch-site': 'cross-site' }).expect(403);
    const { body, headers } = await use(token, { cookie: true }, OWN).expect(200);
    expect(body.refreshToken).toBeUndefined();
    expect(headers['set-cookie'][0]).toContain(ATTRIBUTES);
  });

  it('opens nothing else, is opened by nothing else, and no suspended account', async () => {
    const user = await makeUser(service);
    const token = await linkOf(user);
    await service.as().post('/v1/auth/password/reset').send({ token, newPassword: 'another long password' }).expect(400);
    await service.as().post('/v1/auth/email/verify').send({ token }).expect(400);
    await service.sql(`UPDATE users SET status = 'suspended' WHERE id = $1`, [user.id]);
    await use(token).expect(400);
    await use(token, { newPassword: 'another long password' }).expect(400);
  });
});
