import { eventually } from '../support/eventually';
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { writeSettingEverywhere } from '../support/settings';

const AUDIENCE = 'https://api.example.com';

/** An identity provider, as far as its keys go. */
class Provider {
  readonly jwks: { keys: JWK[] } = { keys: [] };
  fetches = 0;
  status = 200;
  redirectTo: string | null = null;
  filler = '';
  issuer = '';
  private readonly server: Server = createServer((request, response) => {
    this.fetches++;
    if (this.redirectTo !== null) return void response.writeHead(302, { location: this.redirectTo }).end();
    const document = { issuer: this.issuer, jwks_uri: `${this.issuer}/keys`, filler: this.filler };
    response.writeHead(this.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(request.url === '/keys' ? { ...this.jwks, filler: this.filler } : document));
  });

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.issuer = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    return this;
  }

  async addKey(kid: string, algorithm = 'ES256'): Promise<PrivateKey> {
    const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
    this.jwks.keys.push({ ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' });
    return privateKey;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

type PrivateKey = Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];

describe('tokens of trusted issuers', () => {
  let service: Service;
  let admin: TestUser;
  let provider: Provider;
  let key: PrivateKey;
  const providers: Provider[] = [];
  const start = async () => {
    const started = await new Provider().start();
    providers.push(started);
    return started;
  };
  beforeAll(async () => {
    service = await startService({ replicas: 2 });
    admin = await makeAdmin(service);
    provider = await start();
    key = await provider.addKey('first');
    await put('auth.allowHttpIssuers', true);
    await trust([{}]);
  });
  afterAll(async () => {
    await service.close();
    await Promise.all(providers.map((one) => one.stop()));
  });

  const put = (name: string, value: unknown) => writeSettingEverywhere(service, admin, name, value);
  const trust = (issuers: object[]) =>
    put(
      'auth.trustedIssuers',
      issuers.map((one) => ({ issuer: provider.issuer, audience: AUDIENCE, userClaim: 'sub', tierClaim: 'plan', createUsers: true, ...one })),
    );

  interface Made {
    claims?: JWTPayload;
    header?: { alg: string; kid?: string; [name: string]: unknown };
    by?: PrivateKey | Uint8Array;
    issuer?: string;
    audience?: string | string[];
    expiresIn?: number | null;
    notBefore?: number;
  }
  let subjects = 0;
  const nextSubject = () => `subject-${++subjects}`;
  async function token({
    claims = {},
    header = { alg: 'ES256', kid: 'first' },
    by = key,
    issuer = provider.issuer,
    audience = AUDIENCE,
    expiresIn = 300,
    notBefore,
  }: Made = {}) {
    const now = Math.floor(Date.now() / 1_000);
    const times = { ...(expiresIn === null ? {} : { exp: now + expiresIn }), ...(notBefore === undefined ? {} : { nbf: now + notBefore }) };
    return new SignJWT({ sub: nextSubject(), iss: issuer, aud: audience, iat: now, ...times, ...claims }).setProtectedHeader(header).sign(by);
  }
  const me = (jwt: string, replica = 0) => service.replicas[replica].as(jwt).get('/v1/users/me');

  it('are bearers: the user is made by the first one, charges, and is the same on every replica', async () => {
    const sub = nextSubject();
    const { body } = await me(await token({ claims: { sub } })).expect(200);
    expect(body).toMatchObject({ role: 'user', tier: 'free', externalId: sub, email: expect.stringMatching(/@identity\.invalid$/) });
    const again = await token({ claims: { sub, jti: 'other' } });
    expect((await me(again, 1).expect(200)).body.id).toBe(body.id);
    const { body: request } = await service.as(again).post('/v1/requests').send({ type: 'x' }).expect(201);
    expect(request.userId).toBe(body.id);
    await service.as(again).get('/v1/users').expect(403);
    const { body: audit } = await service.as(admin).get(`/v1/audit-events?targetKind=user&targetId=${body.id}`).expect(200);
    expect((audit.items as { action: string }[]).map(({ action }) => action)).toEqual(['user.identity', 'user.create']);
  });

  it('make one user though twenty come at once on two replicas', async () => {
    const sub = nextSubject();
    const tokens = await Promise.all(Array.from({ length: 20 }, (_, i) => token({ claims: { sub, jti: String(i) } })));
    const answers = await Promise.all(tokens.map((jwt, i) => me(jwt, i % 2)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
    expect(new Set(answers.map(({ body }) => (body as { id: number }).id)).size).toBe(1);
  });

  it.each<[string, () => Promise<string>]>([
    [
      'without a signature',
      () => Promise.resolve(new UnsecuredJWT({ sub: 'x' }).setIssuer(provider.issuer).setAudience(AUDIENCE).setExpirationTime('5m').encode()),
    ],
    [
      'signed by the public key as a shared secret',
      async () => token({ header: { alg: 'HS256', kid: 'first' }, by: Buffer.from(JSON.stringify(provider.jwks.keys[0])) }),
    ],
    ['signed by somebody else', async () => token({ by: (await generateKeyPair('ES256')).privateKey })],
    ['by a key that is not among the issuer’s', async () => token({ header: { alg: 'ES256', kid: 'made-up' } })],
    ['for another audience', () => token({ audience: 'https://other.example.com' })],
    ['for an audience that only begins like ours', () => token({ audience: `${AUDIENCE}/` })],
    ['of another issuer', () => token({ issuer: `${provider.issuer}/` })],
    ['that expired', () => token({ expiresIn: -61 })],
    ['that never expires', () => token({ expiresIn: null })],
    ['that is not valid yet', () => token({ notBefore: 90 })],
    ['that names nobody', () => token({ claims: { sub: '' } })],
    ['whose user is an object', () => token({ claims: { sub: { id: 1 } as never } })],
    ['whose user has U+0000', () => token({ claims: { sub: 'a\0b' } })],
    ['whose user is longer than can be stored', () => token({ claims: { sub: 'x'.repeat(256) } })],
    ['with an extension that must be understood', () => token({ header: { alg: 'ES256', kid: 'first', crit: ['exp'], exp: 1 } }).catch(() => 'a.b.c')],
    ['of 20 kB', () => token({ claims: { filler: 'x'.repeat(20_000) } }).then((jwt) => jwt.slice(0, 15_000))],
    ['cut short', async () => (await token()).slice(0, -5)],
    [
      'with another payload than was signed',
      async () => {
        const [header, , signature] = (await token()).split('.');
        return [header, (await token()).split('.')[1], signature].join('.');
      },
    ],
  ])('are refused %s', async (_, make) => {
    const { body } = await me(await make()).expect(401);
    expect(body.code).toBe('credentials-invalid');
  });

  it('are taken within a minute of what another clock shows', async () => {
    await me(await token({ expiresIn: -30 })).expect(200);
    await me(await token({ notBefore: 30 })).expect(200);
  });

  it('stop when their user is suspended, on every replica', async () => {
    const jwt = await token();
    const { body } = await me(jwt).expect(200);
    await me(jwt, 1).expect(200);
    await service.as(admin).patch(`/v1/users/${body.id}`).send({ status: 'suspended' }).expect(200);
    for (const replica of [0, 1]) await eventually(() => me(jwt, replica).expect(401));
  });

  it('link to a user whom an administrator prepared, never by address, and never to an administrator', async () => {
    const prepared = await makeUser(service);
    const sub = nextSubject();
    await service.as(admin).patch(`/v1/users/${prepared.id}`).send({ externalId: sub }).expect(200);
    expect((await me(await token({ claims: { sub } })).expect(200)).body.id).toBe(prepared.id);
    const named = await makeUser(service);
    const { body } = await me(await token({ claims: { email: named.email, email_verified: true } })).expect(200);
    expect(body.id).not.toBe(named.id);
    const boss = await makeAdmin(service);
    const bossSub = nextSubject();
    await service.as(admin).patch(`/v1/users/${boss.id}`).send({ externalId: bossSub }).expect(200);
    expect((await me(await token({ claims: { sub: bossSub } })).expect(200)).body.id).not.toBe(boss.id);
  });

  it('never make an administrator of who calls, though the user became one', async () => {
    const jwt = await token();
    const { body } = await me(jwt).expect(200);
    await service.as(admin).patch(`/v1/users/${body.id}`).send({ role: 'admin' }).expect(200);
    await eventually(async () => expect((await me(jwt).expect(200)).body.role).toBe('admin'));
    await service.as(jwt).get('/v1/users').expect(403);
  });

  it('bear the plan: it follows the issuer when that names another one, and no plan that is not offered', async () => {
    const sub = nextSubject();
    const { body } = await me(await token({ claims: { sub, plan: 'pro' } })).expect(200);
    expect((await me(await token({ claims: { sub, plan: 'pro', jti: '1' } })).expect(200)).body.tier).toBe('pro');
    await service.as(admin).patch(`/v1/users/${body.id}`).send({ tier: 'free', effective: 'now' }).expect(200);
    // What the issuer stated before does not undo what an operator did since.
    expect((await me(await token({ claims: { sub, plan: 'pro', jti: '2' } })).expect(200)).body.tier).toBe('free');
    expect((await me(await token({ claims: { sub, plan: 'none-such', jti: '3' } })).expect(200)).body.tier).toBe('free');
    const { body: audit } = await service.as(admin).get(`/v1/audit-events?targetKind=user&targetId=${body.id}`).expect(200);
    expect(audit.items).toEqual(expect.arrayContaining([expect.objectContaining({ action: 'user.update', reason: `by a token of ${provider.issuer}` })]));
  });

  it('of two issuers who call somebody the same are two users', async () => {
    const other = await start();
    const otherKey = await other.addKey('first');
    await trust([{}, { issuer: other.issuer }]);
    const sub = nextSubject();
    const { body: one } = await me(await token({ claims: { sub } })).expect(200);
    const { body: two } = await me(await token({ claims: { sub }, issuer: other.issuer, by: otherKey })).expect(200);
    expect(two.id).not.toBe(one.id);
    expect([one.externalId, two.externalId]).toEqual([sub, null]);
    // Whose key signed decides, not what the token names.
    await me(await token({ claims: { sub }, issuer: other.issuer })).expect(401);
  });

  it('make nobody where accounts are made by hand', async () => {
    await trust([{ createUsers: false }]);
    const sub = nextSubject();
    await me(await token({ claims: { sub } })).expect(401);
    const prepared = await makeUser(service);
    await service.as(admin).patch(`/v1/users/${prepared.id}`).send({ externalId: sub }).expect(200);
    expect((await me(await token({ claims: { sub } })).expect(200)).body.id).toBe(prepared.id);
    await trust([{}]);
  });

  it('end with the trust', async () => {
    const jwt = await token();
    await me(jwt).expect(200);
    await trust([]);
    await me(jwt).expect(401);
    await trust([{}]);
    await me(jwt).expect(200);
  });

  it('by keys that nobody knows have the keys read once, however many come', async () => {
    const before = provider.fetches;
    await Promise.all(Array.from({ length: 40 }, async (_, i) => me(await token({ header: { alg: 'ES256', kid: `made-up-${i}` } })).expect(401)));
    expect(provider.fetches - before).toBeLessThanOrEqual(2);
  });

  describe('while the provider is away', () => {
    it('are 503 and name it where there is no key yet, and nobody asks it for each of them', async () => {
      const away = await start();
      away.status = 500;
      const awayKey = await away.addKey('first');
      await trust([{}, { issuer: away.issuer }]);
      const jwt = () => token({ issuer: away.issuer, by: awayKey });
      const { body, headers } = await me(await jwt()).expect(503);
      expect([body.code, headers['retry-after']]).toEqual(['temporarily-unavailable', '5']);
      expect(body.detail).toContain(away.issuer);
      await Promise.all(Array.from({ length: 20 }, async () => me(await jwt()).expect(503)));
      expect(away.fetches).toBeLessThanOrEqual(4);
      await me(await token()).expect(200);
    });

    it('go on by the keys that were read', async () => {
      const leaving = await start();
      const leavingKey = await leaving.addKey('first');
      await trust([{}, { issuer: leaving.issuer }]);
      await me(await token({ issuer: leaving.issuer, by: leavingKey })).expect(200);
      leaving.status = 500;
      await me(await token({ issuer: leaving.issuer, by: leavingKey })).expect(200);
    });

    it.each(['redirects', 'sends a megabyte', 'is another one by its own account'])('are 503 of one that %s', async (what) => {
      const odd = await start();
      const oddKey = await odd.addKey('first');
      if (what === 'redirects') odd.redirectTo = `${provider.issuer}/keys`;
      if (what === 'sends a megabyte') odd.filler = 'x'.repeat(1_000_000);
      const real = odd.issuer;
      await trust([{}, { issuer: real }]);
      if (what.startsWith('is another')) odd.issuer = provider.issuer;
      await me(await token({ issuer: real, by: oddKey })).expect(503);
    });

    it('are 503 without TLS unless that is allowed', async () => {
      await put('auth.allowHttpIssuers', false);
      const plain = await start();
      await trust([{ issuer: plain.issuer }]);
      await me(await token({ issuer: plain.issuer, by: await plain.addKey('first') })).expect(503);
      expect(plain.fetches).toBe(0);
      await put('auth.allowHttpIssuers', true);
      await trust([{}]);
    });
  });

  it('keep a stream open no longer than they are good', async () => {
    const jwt = await token();
    const { body } = await service.as(jwt).post('/v1/requests').send({ type: 'streamed' }).expect(201);
    const controller = new AbortController();
    const response = await fetch(`${service.url}/v1/requests/${body.id as string}/events`, {
      headers: { authorization: `Bearer ${jwt}` },
      signal: controller.signal,
    });
    expect(response.status).toBe(200);
    await service
      .as(admin)
      .patch(`/v1/users/${body.userId as number}`)
      .send({ status: 'suspended' })
      .expect(200);
    // Ends by itself: the text would never be complete else.
    expect(await response.text()).toContain('event: status');
    controller.abort();
  });
});
