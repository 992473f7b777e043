import { type JWTPayload } from 'jose';
import { makeUser, PASSWORD, type TestUser } from '../support/factories';
import { RealProvider } from '../support/oidc-provider';
import { type Service } from '../support/service';
import { logIn } from '../support/sessions';
import { type Begun, type loginsBy } from './logins-by-provider';
import { type Provider } from './lying-provider';

interface Stage {
  service: () => Service;
  admin: () => TestUser;
  provider: () => Provider;
  other: () => Provider;
  setProviders: (all: object[]) => Promise<unknown>;
  logins: ReturnType<typeof loginsBy>;
}

const cookieOf = ({ headers }: { headers: object }) => (headers as { 'set-cookie': string[] })['set-cookie'][0].split(';')[0];

/** Identities that somebody who is logged in links to their account. */
export function linkedIdentities({ service, admin, provider, other, setProviders, logins }: Stage): void {
  const { grant, comeBack, person, me } = logins;
  const loggedIn = async () => {
    const user = await makeUser(service());
    return { user, token: (await logIn(service(), user)).accessToken };
  };
  const ask = (token: string | TestUser, body: object = {}, id = 'main') =>
    service()
      .as(token)
      .post(`/v1/auth/oidc/${id}/link`)
      .send({ returnTo: '/console/?tab=sessions#there', ...body });
  const begin = async (token: string, id = 'main'): Promise<Begun> => {
    const answer = await ask(token, {}, id).expect(200);
    return { asked: new URL(answer.body.location as string).searchParams, cookie: cookieOf(answer) };
  };
  const confirm = (token: string, cookie: string, id = 'main') => service().as(token).post(`/v1/auth/oidc/${id}/link/confirm`).set('cookie', cookie).send();
  /** From a session to what the browser carries when the provider has proven somebody. */
  const proven = async (token: string, claims: JWTPayload = person()) => {
    const begun = await begin(token);
    return cookieOf(await comeBack(begun, await grant(begun, claims)));
  };
  const identitiesOf = async ({ id }: TestUser) =>
    (await service().as(admin()).get(`/v1/users/${id}/identities`).expect(200)).body.items as { id: string; subject: string }[];
  const notCompleted = async (answer: PromiseLike<{ status: number; body: { code?: string } }>) => {
    const { status, body } = await answer;
    expect([status, body.code]).toEqual([400, 'login-not-completed']);
  };

  it('links an identity with any address to the account of a session, which it logs in to from then on', async () => {
    const { user, token } = await loggedIn();
    const claims = { sub: `linked-${user.id}`, email: 'another@elsewhere.example', email_verified: false };
    const begun = await begin(token);
    expect(begun.asked.get('code_challenge_method')).toBe('S256');
    const back = await comeBack(begun, await grant(begun, claims));
    expect([back.status, back.headers.location, back.text]).toEqual([303, '/console/?tab=sessions#link=main', '']);
    expect(await identitiesOf(user)).toEqual([]);
    const { body, headers } = await confirm(token, cookieOf(back)).expect(200);
    expect(body).toMatchObject({ provider: 'main', issuer: provider().issuer, subject: claims.sub });
    expect(headers['set-cookie']?.[0]).toContain('Max-Age=0');
    const { body: session } = await logins.logIn(claims);
    expect(await me(session.accessToken as string)).toMatchObject({ id: user.id, email: user.email });
    expect(await identitiesOf(user)).toEqual([body]);
    const { body: audit } = await service().as(admin()).get(`/v1/audit-events?targetKind=user&targetId=${user.id}`).expect(200);
    expect(audit.items).toMatchObject([{ action: 'user.identity', actor: { kind: 'user', id: user.id }, after: { subject: claims.sub } }]);
    expect(await service().sql('SELECT template FROM mails WHERE user_id = $1', [user.id])).toEqual([{ template: 'identity-linked' }]);
  });

  it('links an identity of a real provider, from its pages back', async () => {
    const real = await RealProvider.start('http://localhost:3000/v1/auth/oidc/real/callback');
    await setProviders([{}, { id: 'real', issuer: real.issuer }]);
    const { user, token } = await loggedIn();
    const answer = await ask(token, {}, 'real').expect(200);
    const back = await real.logIn(answer.body.location as string, 'grace');
    const kept = await service()
      .as()
      .get(back.pathname + back.search)
      .set('cookie', cookieOf(answer))
      .expect(303);
    await confirm(token, cookieOf(kept), 'real').expect(200);
    expect(await identitiesOf(user)).toMatchObject([{ provider: 'real', subject: 'grace' }]);
    await setProviders([{}]);
    expect(await identitiesOf(user)).toMatchObject([{ provider: null, issuer: real.issuer }]);
    await real.stop();
  });

  it('asks a session that is older than ten minutes for the password, or a code, and a key for a session', async () => {
    const { user, token } = await loggedIn();
    await service().sql(`UPDATE sessions SET created_at = now() - interval '11 minutes' WHERE user_id = $1`, [user.id]);
    for (const shown of [{}, { code: '123456' }]) expect((await ask(token, shown).expect(403)).body.code).toBe('fresh-login-required');
    expect((await ask(token, { currentPassword: 'not it' }).expect(403)).body.code).toBe('wrong-password');
    await ask(token, { currentPassword: PASSWORD }).expect(200);
    await ask(user).expect(403);
    expect((await ask(admin(), { currentPassword: PASSWORD }).expect(403)).body.code).toBe('fresh-login-required');
  });

  it('accepts a code of the second factor in place of the password, once', async () => {
    const { user, token } = await loggedIn();
    const codes = await logins.enrol(token);
    await service().sql(`UPDATE sessions SET created_at = now() - interval '11 minutes' WHERE user_id = $1`, [user.id]);
    expect((await ask(token, { code: 'ABCD-EFGH-JKMN-PQRS' }).expect(403)).body.code).toBe('code-refused');
    await ask(token, { code: codes[0] }).expect(200);
    expect((await ask(token, { code: codes[0] }).expect(403)).body.code).toBe('code-refused');
  });

  it('links nothing by a state that was stolen: it is the browser’s and the session’s that began', async () => {
    const [{ user: victim, token }, attacker] = await Promise.all([loggedIn(), loggedIn()]);
    const begun = await begin(attacker.token);
    const code = await grant(begun, person());
    // The victim is lured to the attacker's way back, with no cookie, and with one of their own.
    await notCompleted(comeBack({ ...begun, cookie: '' }, code));
    const own = await begin(token);
    const answer = await comeBack({ ...begun, cookie: own.cookie }, code);
    expect([answer.status, answer.headers.location]).toEqual([303, '/console/?tab=sessions#problem=login-not-completed']);
    expect(answer.headers).not.toHaveProperty('set-cookie');
    // An attacker who plants a cookie in the victim's browser, or has one of theirs, has another session.
    await notCompleted(confirm(token, await proven(attacker.token)));
    await notCompleted(confirm(attacker.token, await proven(token)));
    const second = (await logIn(service(), victim)).accessToken;
    await notCompleted(confirm(second, await proven(token)));
    expect([...(await identitiesOf(victim)), ...(await identitiesOf(attacker.user))]).toEqual([]);
  });

  it('links nothing for a session that has ended', async () => {
    const { user, token } = await loggedIn();
    const cookie = await proven(token);
    await service().as(admin()).delete(`/v1/users/${user.id}/sessions`).expect(204);
    await confirm(token, cookie).expect(401);
    await notCompleted(confirm((await logIn(service(), user)).accessToken, cookie));
    expect(await identitiesOf(user)).toEqual([]);
  });

  it('never passes a login for a link, or a link for a login', async () => {
    const { user, token } = await loggedIn();
    const login = await logins.begin();
    const link = await begin(token);
    const identity = await proven(token);
    for (const cookie of [login.cookie, link.cookie, '', `${identity.slice(0, -3)}abc`]) await notCompleted(confirm(token, cookie));
    const answer = await comeBack(link, await grant(link, person()));
    expect([answer.status, answer.body]).toEqual([303, {}]);
    await notCompleted(comeBack({ ...link, cookie: identity }, await grant(link, person())));
    expect(await identitiesOf(user)).toEqual([]);
  });

  it('refuses the answer of another provider than was asked (mix-up)', async () => {
    await setProviders([{}, { id: 'second', issuer: other().issuer }]);
    const { user, token } = await loggedIn();
    const begun = await begin(token);
    const mixed = await comeBack(begun, await grant(begun, person()), { iss: other().issuer });
    expect(mixed.headers.location).toContain('#problem=login-not-completed');
    const identity = await proven(token);
    await notCompleted(confirm(token, identity.replace('-main=', '-second='), 'second'));
    const injected = await comeBack({ ...begun, cookie: (await begin(token)).cookie }, await grant(begun, person()));
    expect(injected.headers.location).toContain('#problem=login-not-completed');
    await confirm(token, identity, 'none-such').expect(404);
    expect(await identitiesOf(user)).toEqual([]);
    await setProviders([{}]);
  });

  it('refuses an identity of another account, one beyond twenty, and one of a domain that is not let in', async () => {
    const [first, second] = await Promise.all([loggedIn(), loggedIn()]);
    const claims = person();
    await confirm(first.token, await proven(first.token, claims)).expect(200);
    await confirm(first.token, await proven(first.token, claims)).expect(200);
    expect((await confirm(second.token, await proven(second.token, claims)).expect(409)).body.code).toBe('identity-taken');
    await service().sql(
      `INSERT INTO user_identities (issuer, subject, user_id) SELECT 'https://many.example', 'of ' || $1::integer || ' ' || n, $1::integer FROM generate_series(1, 20) n`,
      [second.user.id],
    );
    expect((await confirm(second.token, await proven(second.token)).expect(409)).body.code).toBe('too-many-identities');
    await setProviders([{ allowedDomains: ['corp.example'] }]);
    const begun = await begin(first.token);
    expect((await comeBack(begun, await grant(begun, person()))).headers.location).toContain('#problem=identity-refused');
    await setProviders([{}]);
  });

  it('unlinks an identity, which logs in no more, and never somebody else’s', async () => {
    const [{ user, token }, stranger] = await Promise.all([loggedIn(), loggedIn()]);
    const claims = person();
    const { body } = await confirm(token, await proven(token, claims)).expect(200);
    const path = `identities/${body.id as string}`;
    await service().as(stranger.token).delete(`/v1/users/${user.id}/${path}`).expect(404);
    await service().as(stranger.token).delete(`/v1/users/me/${path}`).expect(404);
    await service().as(token).delete(`/v1/users/me/${path}`).expect(204);
    await service().as(token).delete(`/v1/users/me/${path}`).expect(404);
    expect((await me((await logins.logIn(claims)).body.accessToken as string)).id).not.toBe(user.id);
    expect(await service().sql('SELECT template FROM mails WHERE user_id = $1 ORDER BY created_at', [user.id])).toEqual([
      { template: 'identity-linked' },
      { template: 'identity-unlinked' },
    ]);
  });

  it('keeps the last identity of an account without a password from its owner, not from an administrator', async () => {
    const token = (await logins.logIn(person())).body.accessToken as string;
    const { id } = await me(token);
    const [{ id: only }] = (await service().as(token).get('/v1/users/me/identities').expect(200)).body.items as { id: string }[];
    expect((await service().as(token).delete(`/v1/users/me/identities/${only}`).expect(409)).body.code).toBe('last-way-in');
    await service().as(admin()).delete(`/v1/users/${id}/identities/${only}?reason=gone`).expect(204);
    const { body } = await service().as(admin()).get(`/v1/audit-events?targetKind=user&targetId=${id}&action=user.identity-remove`).expect(200);
    expect(body.items).toMatchObject([{ reason: 'gone', before: { issuer: provider().issuer } }]);
  });

  it.each(['//evil.example', 'https://evil.example/', 'console/', undefined])('refuses %j as the page to lead to', async (returnTo) => {
    const { token } = await loggedIn();
    expect((await ask(token, { returnTo }).expect(400)).body.errors).toMatchObject([{ pointer: '#/returnTo' }]);
    await ask(token, {}, 'none-such').expect(404);
  });
}
