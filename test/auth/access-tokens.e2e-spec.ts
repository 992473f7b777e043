import { createHmac } from 'node:crypto';
import { makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';

const SECRET = Buffer.from('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'hex');
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token of any header and payload, with a signature that is right for HMAC algorithms and empty for the rest. */
function token(header: Record<string, unknown>, payload: unknown, secret: Buffer = SECRET): string {
  const signed = `${encode(header)}.${encode(payload)}`;
  const bits = /^HS(\d{3})$/.exec(String(header.alg))?.[1];
  return `${signed}.${bits === undefined ? '' : createHmac(`sha${bits}`, secret).update(signed).digest('base64url')}`;
}

describe('access tokens', () => {
  let service: Service;
  let user: TestUser;
  beforeAll(async () => {
    service = await startService();
    user = await makeUser(service);
  });
  afterAll(() => service.close());

  const now = () => Math.floor(Date.now() / 1_000);
  const header = { alg: 'HS256', typ: 'at+jwt' };
  const claims = () => ({ sub: String(user.id), ver: 0, iss: 'quotidian', aud: 'quotidian', iat: now(), exp: now() + 900 });
  const without = (name: string) => Object.fromEntries(Object.entries(claims()).filter(([key]) => key !== name));

  it('work when they are ours: the forgeries below differ in one thing each', async () => {
    await service.as(token(header, claims())).get('/v1/users/me').expect(200);
  });

  it.each<[string, () => string]>([
    ['alg none', () => token({ ...header, alg: 'none' }, claims())],
    ['alg none in capitals', () => token({ ...header, alg: 'NONE' }, claims())],
    ['no alg', () => token({ typ: 'at+jwt' }, claims())],
    ['HS384', () => token({ ...header, alg: 'HS384' }, claims())],
    ['HS512', () => token({ ...header, alg: 'HS512' }, claims())],
    ['another secret', () => token(header, claims(), Buffer.alloc(32, 7))],
    ['an empty secret', () => token(header, claims(), Buffer.alloc(0))],
    ['no signature', () => `${token(header, claims()).split('.').slice(0, 2).join('.')}.`],
    ['two parts', () => token(header, claims()).split('.').slice(0, 2).join('.')],
    ['a changed payload', () => token(header, claims()).replace(/\.[^.]+\./, `.${encode({ ...claims(), sub: String(user.id + 1) })}.`)],
    ['another audience', () => token(header, { ...claims(), aud: 'elsewhere' })],
    ['no audience', () => token(header, without('aud'))],
    ['another issuer', () => token(header, { ...claims(), iss: 'elsewhere' })],
    ['no issuer', () => token(header, without('iss'))],
    ['typ JWT', () => token({ ...header, typ: 'JWT' }, claims())],
    ['typ of a refresh token', () => token({ ...header, typ: 'refresh+jwt' }, claims())],
    ['no typ', () => token({ alg: 'HS256' }, claims())],
    ['an unknown crit', () => token({ ...header, crit: ['b64'] }, claims())],
    ['a key in its header', () => token({ ...header, jwk: { kty: 'oct', k: '' }, kid: '../../dev/null' }, claims(), Buffer.alloc(0))],
    ['no exp', () => token(header, without('exp'))],
    ['exp in the past', () => token(header, { ...claims(), exp: now() - 60 })],
    ['a far exp and an old iat', () => token(header, { ...claims(), iat: now() - 86_400, exp: now() + 86_400 })],
    ['no iat', () => token(header, without('iat'))],
    ['an old version', () => token(header, { ...claims(), ver: -1 })],
    ['no version', () => token(header, without('ver'))],
    ['a version of text', () => token(header, { ...claims(), ver: '0' })],
    ['a subject that is no user', () => token(header, { ...claims(), sub: '2147483647' })],
    ['a subject beyond integers', () => token(header, { ...claims(), sub: '99999999999999' })],
    ['a subject of text', () => token(header, { ...claims(), sub: 'me' })],
    ['a fractional subject', () => token(header, { ...claims(), sub: '1.5' })],
    ['no subject', () => token(header, without('sub'))],
    ['a payload that is text', () => token(header, 'admin')],
    ['a payload that is null', () => token(header, null)],
    ['nbf in the future', () => token(header, { ...claims(), nbf: now() + 600 })],
  ])('are refused with %s', async (_, forged) => {
    const { body, headers } = await service.as(forged()).get('/v1/users/me').expect(401);
    expect(body.code).toBe('credentials-invalid');
    expect(headers['www-authenticate']).toBe('Bearer realm="quotidian", error="invalid_token"');
  });

  it.each(['Basic dXNlcjpwYXNz', 'Bearer', 'Bearer ', 'Bearer a b', 'bearer\tx', 'Bearer qtd_short', `Bearer ${'x'.repeat(6_000)}`, 'null'])(
    'are refused as %j',
    async (authorization) => {
      const { headers } = await service.as().get('/v1/users/me').set('authorization', authorization).expect(401);
      expect(headers['www-authenticate']).toMatch(/^Bearer realm="quotidian"/);
    },
  );

  it('are asked for, without an error code, when no credential came', async () => {
    const { body, headers } = await service.as().get('/v1/users/me').expect(401);
    expect(body.code).toBe('credentials-missing');
    expect(headers['www-authenticate']).toBe('Bearer realm="quotidian"');
  });

  it('are taken whatever the case of the scheme', async () => {
    await service.as().get('/v1/users/me').set('authorization', `bEaReR ${user.key}`).expect(200);
  });
});
