import { type JWTPayload, SignJWT } from 'jose';
import { Secret, TOTP } from 'otpauth';
import { PASSWORD } from '../support/factories';
import { type Service } from '../support/service';
import { type Provider } from './lying-provider';

/** A login that a browser began: what the provider was asked, and the cookie. */
export interface Begun {
  asked: URLSearchParams;
  cookie: string;
}

/** What people and browsers do who log in by the provider. */
export function loginsBy(service: () => Service, provider: () => Provider) {
  async function begin(id = 'main'): Promise<Begun> {
    const { headers } = await service().as().get(`/v1/auth/oidc/${id}`).expect(302);
    const [cookie = ''] = headers['set-cookie'] as unknown as string[];
    return { asked: new URL(headers.location).searchParams, cookie: cookie.split(';')[0] };
  }

  let subjects = 0;
  /** What an honest provider answers, but for what is given. */
  async function grant(
    { asked }: Begun,
    claims: JWTPayload = {},
    { at = provider(), by = provider().key, code = `code-${++subjects}`, expiresIn = 60 } = {},
  ): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    const content = { iss: at.issuer, aud: 'quotidian', sub: `sub-${++subjects}`, iat: now, exp: now + expiresIn, nonce: asked.get('nonce'), ...claims };
    const idToken = await new SignJWT(content).setProtectedHeader({ alg: 'RS256', kid: 'one' }).sign(by);
    at.grants.set(code, { challenge: asked.get('code_challenge') as string, idToken });
    return code;
  }

  const comeBack = ({ asked, cookie }: Begun, code: string, { iss = provider().issuer, state = asked.get('state') as string, id = 'main' } = {}) =>
    service()
      .as()
      .get(`/v1/auth/oidc/${id}/callback?${new URLSearchParams({ code, state, iss }).toString()}`)
      .set('cookie', cookie);

  async function logIn(claims: JWTPayload = {}) {
    const begun = await begin();
    return comeBack(begun, await grant(begun, claims));
  }
  const person = () => {
    const n = ++subjects;
    return { sub: `person-${n}`, email: `person-${n}@example.com`, email_verified: true };
  };
  const me = async (token: string) =>
    (await service().as(token).get('/v1/users/me').expect(200)).body as { id: number; email: string; role: string; emailVerified: boolean };

  /** Gives the account of a session with a password a second factor. @returns its recovery codes */
  async function enrol(token: string): Promise<string[]> {
    const as = service().as(token);
    const { body } = await as.post('/v1/auth/totp').send({ currentPassword: PASSWORD }).expect(200);
    const code = TOTP.generate({ secret: Secret.fromBase32(body.secret as string) });
    return (await as.post('/v1/auth/totp/confirm').send({ code }).expect(200)).body.recoveryCodes as string[];
  }

  return { begin, enrol, grant, comeBack, logIn, person, me };
}
