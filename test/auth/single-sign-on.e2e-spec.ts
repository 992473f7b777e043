import { type JWTPayload, UnsecuredJWT } from 'jose';
import { makeAdmin, makeUser, PASSWORD, type TestUser } from '../support/factories';
import { RealProvider } from '../support/oidc-provider';
import { type Service, startService } from '../support/service';
import { writeSettingEverywhere } from '../support/settings';
import { type Begun, loginsBy } from './logins-by-provider';
import { linkedIdentities } from './linked-identities';
import { Provider } from './lying-provider';

describe('single sign-on', () => {
  let service: Service;
  let admin: TestUser;
  let provider: Provider;
  let other: Provider;
  beforeAll(async () => {
    [service, provider, other] = await Promise.all([startService(), new Provider().start(), new Provider().start()]);
    admin = await makeAdmin(service);
    await writeSettingEverywhere(service, admin, 'auth.allowHttpIssuers', true);
    await service.as(admin).put('/v1/configurations/sso.secret').set('if-none-match', '*').send({ value: 'client-secret', visibility: 'secret' }).expect(201);
    await setProviders([{}]);
  });
  afterAll(async () => {
    await service.close();
    await Promise.all([provider.stop(), other.stop()]);
  });

  const setProviders = (all: object[]) =>
    writeSettingEverywhere(
      service,
      admin,
      'auth.oidcProviders',
      all.map((one) => ({
        id: 'main',
        name: 'Main',
        issuer: provider.issuer,
        clientId: 'quotidian',
        clientSecretSetting: 'sso.secret',
        createUsers: true,
        ...one,
      })),
    );

  const logins = loginsBy(
    () => service,
    () => provider,
  );
  const { begin, enrol, grant, comeBack, logIn, person, me } = logins;

  it('lists the providers, without what is secret', async () => {
    const { body } = await service.as().get('/v1/auth/providers').expect(200);
    expect(body).toEqual({ items: [{ id: 'main', name: 'Main' }] });
  });

  it('leads to the provider with PKCE, state and nonce, and a cookie for the way back alone', async () => {
    const { headers } = await service.as().get('/v1/auth/oidc/main').expect(302);
    const url = new URL(headers.location);
    expect(url.origin).toBe(provider.issuer);
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      response_type: 'code',
      client_id: 'quotidian',
      scope: 'openid email profile',
      code_challenge_method: 'S256',
      redirect_uri: 'http://localhost:3000/v1/auth/oidc/main/callback',
      state: expect.stringMatching(/^[\w-]{40,}$/),
      nonce: expect.stringMatching(/^[\w-]{40,}$/),
    });
    expect(headers['set-cookie']?.[0]).toMatch(/^quotidian-login-main=[\w.-]+; Path=\/v1\/auth\/oidc\/main; Max-Age=600; HttpOnly; SameSite=Lax$/);
    for (const name of ['state', 'nonce']) expect(headers['set-cookie']?.[0]).not.toContain(url.searchParams.get(name));
    await service.as().get('/v1/auth/oidc/none-such').expect(404);
    await service.as().get('/v1/auth/oidc/none-such/callback').expect(404);
  });

  it('makes an account with a proven address, and finds it again', async () => {
    const claims = person();
    const { body, status, headers } = await logIn(claims);
    expect([status, provider.clients.at(-1)]).toEqual([200, 'client-secret']);
    expect(headers['set-cookie']?.[0]).toContain('Max-Age=0');
    const account = await me(body.accessToken as string);
    expect(account).toMatchObject({ email: claims.email, role: 'user', emailVerified: true });
    await service.as().post('/v1/auth/refresh').send({ refreshToken: body.refreshToken }).expect(200);
    // By the subject from now on, whatever the address has become.
    const again = await logIn({ ...claims, email: 'renamed@example.com' });
    expect((await me(again.body.accessToken as string)).id).toBe(account.id);
  });

  it('leaves the password a way in', async () => {
    const user = await makeUser(service);
    await service.as().post('/v1/auth/login').send({ email: user.email, password: PASSWORD }).expect(200);
  });

  it('works with a real provider, from its pages back to an account', async () => {
    const real = await RealProvider.start('http://localhost:3000/v1/auth/oidc/real/callback');
    await setProviders([{}, { id: 'real', issuer: real.issuer }]);
    const { headers } = await service.as().get('/v1/auth/oidc/real').expect(302);
    const back = await real.logIn(headers.location, 'ada');
    const [cookie = ''] = headers['set-cookie'] as unknown as string[];
    const { body } = await service
      .as()
      .get(back.pathname + back.search)
      .set('cookie', cookie.split(';')[0])
      .expect(200);
    expect(await me(body.accessToken as string)).toMatchObject({ email: 'ada@example.com', emailVerified: true });
    await setProviders([{}]);
    await real.stop();
  });

  describe('for a page of ours', () => {
    const beginFor = async (returnTo: string): Promise<Begun> => {
      const { headers } = await service.as().get('/v1/auth/oidc/main').query({ returnTo }).expect(302);
      const [cookie = ''] = headers['set-cookie'] as unknown as string[];
      return { asked: new URL(headers.location).searchParams, cookie: cookie.split(';')[0] };
    };

    it('leads back to it, with the session in a cookie and shows no token', async () => {
      const claims = person();
      const begun = await beginFor('/console/?tab=keys');
      const { status, headers, text } = await comeBack(begun, await grant(begun, claims));
      expect([status, headers.location, text]).toEqual([303, '/console/?tab=keys', '']);
      const cookies = headers['set-cookie'] as unknown as string[];
      expect(cookies.some((cookie) => cookie.startsWith('quotidian-login-main=;'))).toBe(true);
      const session = cookies.find((cookie) => cookie.startsWith('quotidian-session=')) as string;
      expect(session).toMatch(/; Path=\/v1\/auth; Max-Age=\d+; HttpOnly; SameSite=Strict$/);
      const { body } = await service
        .as()
        .post('/v1/auth/refresh')
        .set('cookie', session.split(';')[0])
        .set('sec-fetch-site', 'same-origin')
        .send({})
        .expect(200);
      expect(await me(body.accessToken as string)).toMatchObject({ email: claims.email });
    });

    it('leads back to it with the code of what went wrong, and begins no session', async () => {
      const begun = await beginFor('/console/#/today');
      const { status, headers } = await comeBack(begun, await grant(begun, { ...person(), nonce: 'another' }));
      expect([status, headers.location]).toEqual([303, '/console/#problem=login-not-completed']);
      expect(headers).not.toHaveProperty('set-cookie');
    });

    it.each(['//evil.example', '/\\\\evil.example', 'https://evil.example/', '/a\r\nset-cookie: x=y', 'console/', '/\tconsole', `/${'a'.repeat(500)}`])(
      'refuses %j as the page to lead to',
      async (returnTo) => {
        const { body } = await service.as().get('/v1/auth/oidc/main').query({ returnTo }).expect(400);
        expect(body.errors).toMatchObject([{ pointer: '#/query/returnTo' }]);
      },
    );
  });

  describe('of an account with a second factor', () => {
    /** An account that logs in by the provider and has an authenticator app. */
    const enrolled = async () => {
      const claims = person();
      const token = (await logIn(claims)).body.accessToken as string;
      const { id } = await me(token);
      await service.as(admin).put(`/v1/users/${id}/password`).send({ newPassword: PASSWORD }).expect(204);
      const { body: session } = await service.as().post('/v1/auth/login').send({ email: claims.email, password: PASSWORD }).expect(200);
      return { id, claims, recoveryCodes: await enrol(session.accessToken as string) };
    };
    const cookieOf = ({ headers }: { headers: object }) => (headers as { 'set-cookie': string[] })['set-cookie'][0].split(';')[0];
    const send = (cookie: string, code: unknown, id = 'main') => service.as().post(`/v1/auth/oidc/${id}/code`).set('cookie', cookie).send({ code });

    it('asks for its code, and begins a session with it alone', async () => {
      const { id, claims, recoveryCodes } = await enrolled();
      const answer = await logIn(claims);
      expect([answer.status, answer.body.code]).toEqual([401, 'code-awaited']);
      expect(answer.text).not.toContain('accessToken');
      const cookie = cookieOf(answer);
      expect((await send(cookie, 'ABCD-EFGH-JKMN-PQRS').expect(403)).body.code).toBe('code-refused');
      expect((await send(cookie, 5).expect(400)).body.errors).toMatchObject([{ pointer: '#/code' }]);
      const { body, headers } = await send(cookie, recoveryCodes[0]).expect(200);
      expect((await me(body.accessToken as string)).id).toBe(id);
      expect(headers['set-cookie']?.[0]).toContain('quotidian-login-main=;');
      expect((await send(cookie, recoveryCodes[0]).expect(403)).body.code).toBe('code-refused');
    });

    it('leads a page of ours back to ask for it, which gets its session in a cookie', async () => {
      const { claims, recoveryCodes } = await enrolled();
      const { headers: to } = await service.as().get('/v1/auth/oidc/main').query({ returnTo: '/console/' }).expect(302);
      const begun = { asked: new URL(to.location).searchParams, cookie: cookieOf({ headers: to }) };
      const back = await comeBack(begun, await grant(begun, claims));
      expect([back.status, back.headers.location]).toEqual([303, '/console/#problem=code-awaited&provider=main']);
      const cookie = cookieOf(back);
      expect((await send(cookie, recoveryCodes[0]).set('sec-fetch-site', 'cross-site').expect(403)).body.code).toBe('cross-site-refused');
      const { body, headers } = await send(cookie, recoveryCodes[0]).set('sec-fetch-site', 'same-origin').expect(200);
      expect(body).not.toHaveProperty('refreshToken');
      expect((headers['set-cookie'] as unknown as string[]).some((one) => one.startsWith('quotidian-session='))).toBe(true);
    });

    it('takes a code from the browser alone that came back, of that provider, until its password changes', async () => {
      await setProviders([{}, { id: 'second', issuer: other.issuer }]);
      const { id, claims, recoveryCodes } = await enrolled();
      const begun = await begin();
      const awaited = cookieOf(await comeBack(begun, await grant(begun, claims)));
      const notCompleted = async (cookie: string, provider = 'main') =>
        expect((await send(cookie, recoveryCodes[0], provider).expect(400)).body.code).toBe('login-not-completed');
      for (const cookie of ['', begun.cookie, (await begin()).cookie, `${awaited.slice(0, -3)}abc`]) await notCompleted(cookie);
      await notCompleted(awaited.replace('-main=', '-second='), 'second');
      await send(awaited, recoveryCodes[0], 'none-such').expect(404);
      // What the code is awaited by is no login that was begun.
      expect((await comeBack({ ...begun, cookie: awaited }, await grant(begun, claims))).status).toBe(400);
      await service
        .as(admin)
        .put(`/v1/users/${id}/password`)
        .send({ newPassword: `${PASSWORD} anew` })
        .expect(204);
      await notCompleted(awaited);
      await setProviders([{}]);
    });

    it('is not asked where its provider is trusted with that', async () => {
      const { id, claims } = await enrolled();
      await setProviders([{ secondFactor: 'trust' }]);
      const { body } = await logIn(claims);
      expect((await me(body.accessToken as string)).id).toBe(id);
      await setProviders([{}]);
    });
  });

  describe('links an account', () => {
    const proven = async () => {
      const user = await makeUser(service);
      await service.sql('INSERT INTO address_proofs (user_id, proven_email, proven_at) VALUES ($1, lower($2), now())', [user.id, user.email]);
      return user;
    };

    it('when provider and account have proven the address', async () => {
      const user = await proven();
      const { body } = await logIn({ sub: `links-${user.id}`, email: user.email.toUpperCase(), email_verified: true });
      expect((await me(body.accessToken as string)).id).toBe(user.id);
      const { body: audit } = await service.as(admin).get(`/v1/audit-events?targetKind=user&targetId=${user.id}`).expect(200);
      expect(audit.items).toMatchObject([{ action: 'user.identity', reason: 'login by main' }]);
    });

    it.each<[string, JWTPayload]>([
      ['the provider has not proven it', { email_verified: false }],
      ['the provider leaves that open', { email_verified: undefined }],
      ['the provider states it as a text', { email_verified: 'true' }],
      ['there is none', { email: undefined, email_verified: true }],
    ])('not when %s', async (_, claims) => {
      const user = await proven();
      const { body, status } = await logIn({ sub: `not-${user.id}`, email: user.email, ...claims });
      expect([status, body.code]).toEqual([403, 'identity-refused']);
    });

    it('not when somebody registered the address without proving it', async () => {
      const user = await makeUser(service);
      const { body, status } = await logIn({ sub: `waits-${user.id}`, email: user.email, email_verified: true });
      expect([status, body.code]).toEqual([403, 'identity-refused']);
      expect(await service.sql('SELECT 1 FROM user_identities WHERE user_id = $1', [user.id])).toEqual([]);
    });
  });

  it('gives the role by its claim, anew at each login, and leaves an administrator', async () => {
    await setProviders([{ roleClaim: 'groups', adminValues: ['operators'] }]);
    const claims = person();
    const roleAfter = async (groups: unknown) => (await me((await logIn({ ...claims, groups })).body.accessToken as string)).role;
    expect(await roleAfter(['staff', 'operators'])).toBe('admin');
    expect(await roleAfter(['staff'])).toBe('user');
    expect(await roleAfter('operators')).toBe('admin');
    expect(await roleAfter(undefined)).toBe('user');
    await setProviders([{}]);
  });

  it('lets certain domains in, and makes nobody where that is not set', async () => {
    await setProviders([{ allowedDomains: ['corp.example'] }]);
    expect((await logIn({ ...person() })).status).toBe(403);
    expect((await logIn({ ...person(), email: 'x@corp.example.evil.example' })).status).toBe(403);
    expect((await logIn({ ...person(), email: `${person().sub}@CORP.example` })).status).toBe(200);
    await setProviders([{ createUsers: false }]);
    expect((await logIn(person())).status).toBe(403);
    await setProviders([{}]);
  });

  it('refuses who is suspended', async () => {
    const claims = person();
    const { id } = await me((await logIn(claims)).body.accessToken as string);
    await service.as(admin).patch(`/v1/users/${id}`).send({ status: 'suspended' }).expect(200);
    expect((await logIn(claims)).status).toBe(403);
  });

  describe('under attack', () => {
    const refused = async (answer: PromiseLike<{ status: number; body: { code?: string }; headers: object }>) => {
      const { status, body, headers } = await answer;
      expect([status, body.code]).toEqual([400, 'login-not-completed']);
      expect(headers).not.toHaveProperty('set-cookie');
    };

    it('refuses an answer twice', async () => {
      const begun = await begin();
      const code = await grant(begun, person());
      expect((await comeBack(begun, code)).status).toBe(200);
      await refused(comeBack(begun, code));
    });

    it('refuses an answer in another browser, which began none or its own', async () => {
      const victim = await begin();
      const code = await grant(victim, person());
      await refused(comeBack({ ...victim, cookie: '' }, code));
      const attacker = await begin();
      await refused(comeBack({ ...victim, cookie: attacker.cookie }, code));
    });

    it('refuses a code that was injected: it is bound to who began', async () => {
      const [stolen, own] = await Promise.all([begin(), begin()]);
      await refused(comeBack(own, await grant(stolen, person())));
    });

    it('refuses a cookie that was made up, changed, or of another provider', async () => {
      await setProviders([{}, { id: 'second', issuer: other.issuer }]);
      const begun = await begin();
      const second = await begin('second');
      const code = await grant(begun, person());
      for (const cookie of ['quotidian-login-main=a.b', `${begun.cookie.slice(0, -3)}abc`, second.cookie.replace('-second=', '-main=')]) {
        await refused(comeBack({ ...begun, cookie }, code));
      }
      await setProviders([{}]);
    });

    it('refuses the answer of another provider than was asked (mix-up), and one that does not name itself', async () => {
      await setProviders([{}, { id: 'second', issuer: other.issuer }]);
      const begun = await begin();
      await refused(comeBack(begun, await grant(begun, person()), { iss: other.issuer }));
      const unnamed = await begin();
      const code = await grant(unnamed, person());
      await refused(
        service
          .as()
          .get(`/v1/auth/oidc/main/callback?code=${code}&state=${unnamed.asked.get('state')}`)
          .set('cookie', unnamed.cookie),
      );
      await setProviders([{}]);
    });

    it.each<[string, (begun: Begun) => Promise<string>]>([
      ['for another client', (begun) => grant(begun, { ...person(), aud: 'another' })],
      ['of another issuer', (begun) => grant(begun, { ...person(), iss: 'https://other.example.com' })],
      ['of another login', (begun) => grant(begun, { ...person(), nonce: 'another' })],
      ['without a nonce', (begun) => grant(begun, { ...person(), nonce: undefined })],
      ['that expired', (begun) => grant(begun, person(), { expiresIn: -3_600 })],
      ['signed by somebody else', (begun) => grant(begun, person(), { by: other.key })],
    ])('refuses an ID token %s', async (_, make) => {
      const begun = await begin();
      await refused(comeBack(begun, await make(begun)));
    });

    it('refuses an ID token without a signature', async () => {
      const begun = await begin();
      const code = await grant(begun, person());
      const idToken = new UnsecuredJWT({ ...person(), nonce: begun.asked.get('nonce') })
        .setIssuer(provider.issuer)
        .setAudience('quotidian')
        .setIssuedAt()
        .setExpirationTime('1m');
      provider.grants.set(code, { challenge: begun.asked.get('code_challenge') as string, idToken: idToken.encode() });
      await refused(comeBack(begun, code));
    });

    it('refuses what is no answer at all', async () => {
      const begun = await begin();
      for (const query of [
        '',
        `?error=access_denied&state=${begun.asked.get('state')}&iss=${provider.issuer}`,
        `?code=x&code=y&state=z`,
        `?state=${begun.asked.get('state')}`,
      ]) {
        const { status } = await service.as().get(`/v1/auth/oidc/main/callback${query}`).set('cookie', begun.cookie);
        expect(status).toBe(400);
      }
    });
  });

  describe('of somebody who is logged in already', () => {
    linkedIdentities({ service: () => service, admin: () => admin, provider: () => provider, other: () => other, setProviders, logins });
  });

  it('is 503 and names the provider while that is away; the password lets people in', async () => {
    await setProviders([{ id: 'away', name: 'Away', issuer: other.issuer }]);
    other.isAway = true;
    const { body, headers } = await service.as().get('/v1/auth/oidc/away').expect(503);
    expect([body.code, headers['retry-after']]).toEqual(['temporarily-unavailable', '5']);
    expect(body.detail).toContain('Away');
    other.isAway = false;
    await setProviders([{}]);
    const begun = await begin();
    const code = await grant(begun, person());
    provider.isAway = true;
    const { status } = await comeBack(begun, code);
    provider.isAway = false;
    expect(status).toBe(503);
  });

  it('is 503 where the client secret that is named is not there', async () => {
    await setProviders([{ clientSecretSetting: 'none.such' }]);
    await service.as().get('/v1/auth/oidc/main').expect(503);
    await setProviders([{}]);
  });
});
