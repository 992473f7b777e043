import { Secret, TOTP } from 'otpauth';
import { SecretsRotationService } from '../../src/configurations/secrets-rotation.service';
import { run } from '../support/command';
import { runHere } from '../support/command-here';
import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, PASSWORD, type TestUser } from '../support/factories';
import { type Service, startReplica, startService } from '../support/service';
import { logIn, type Session } from '../support/sessions';
import { writeSettingEverywhere } from '../support/settings';
import { type Smtp, startSmtp } from '../support/smtp';

const OLD_KEY = '101112131415161718191a1b1c1d1e1f000102030405060708090a0b0c0d0e0f';
const NEW_KEY = '202122232425262728292a2b2c2d2e2f000102030405060708090a0b0c0d0e0f';
const DAY_S = 86_400;

interface Enrolled extends TestUser {
  secret: string;
  recoveryCodes: string[];
  session: Session;
}

describe('second factors', () => {
  let smtp: Smtp;
  let service: Service;
  beforeAll(async () => {
    smtp = await startSmtp();
    service = await startService({ replicas: 2, environment: { ...smtp.environment, TRUST_PROXY: '1' } });
  });
  afterAll(async () => {
    await service.close();
    await smtp.close();
  });

  const databaseNow = async () => (await service.sql<{ now: Date }>('SELECT now() AS now'))[0].now.getTime();
  /** The code that an app with the right time shows, or showed, or will show. */
  const codeOf = async (secret: string, offSeconds = 0) =>
    TOTP.generate({ secret: Secret.fromBase32(secret), timestamp: (await databaseNow()) + offSeconds * 1_000 });
  const login = ({ email }: { email: string }, code?: string, from = service.replicas[0], network = '192.0.2.1') =>
    from.as().post('/v1/auth/login').set('x-forwarded-for', network).send({ email, password: PASSWORD, code });
  const refused = async (call: PromiseLike<{ status: number; body: { code: string; errors: object[] } }>) => {
    const { status, body } = await call;
    expect({ status, ...body }).toMatchObject({ status: 403, code: 'code-refused', errors: [{ pointer: '#/code' }] });
  };
  const begin = async (session: Session) =>
    (await service.as(session.accessToken).post('/v1/auth/totp').send({ currentPassword: PASSWORD }).expect(200)).body as { secret: string; uri: string };
  const confirm = (session: Session, code: string) => service.as(session.accessToken).post('/v1/auth/totp/confirm').send({ code });
  const enrol = async (user: TestUser): Promise<Enrolled> => {
    const session = await logIn(service, user);
    const { secret } = await begin(session);
    const { body } = await confirm(session, await codeOf(secret)).expect(200);
    // As if the enrolment were a while ago: the code of this half minute is not used yet.
    await service.sql('UPDATE second_factors SET last_step = NULL WHERE user_id = $1', [user.id]);
    return { ...user, session, secret, recoveryCodes: (body as { recoveryCodes: string[] }).recoveryCodes };
  };
  const person = async () => enrol(await makeUser(service));

  it('count once a code is confirmed, not before; then a login takes one', async () => {
    const user = await makeUser(service);
    const session = await logIn(service, user);
    const { secret, uri } = await begin(session);
    expect(uri).toMatch(/^otpauth:\/\/totp\//);
    expect(new URL(uri).searchParams.get('secret')).toBe(secret);
    await login(user).expect(200);
    await refused(confirm(session, '000000'));
    await login(user).expect(200);
    const { body } = await confirm(session, await codeOf(secret)).expect(200);
    expect((body as { recoveryCodes: string[] }).recoveryCodes).toHaveLength(10);
    const answer = await login(user).expect(401);
    expect(answer.body).toMatchObject({ code: 'totp-required', errors: [{ pointer: '#/code' }] });
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer /);
    await service
      .as()
      .post('/v1/auth/login')
      .send({ email: user.email, password: 'wrong', code: await codeOf(secret, 30) })
      .expect(401);
    await login(user, await codeOf(secret, 30)).expect(200);
    await smtp.mailTo(user.email, /has a second factor/);
  });

  it('ask for the password, and are not begun anew or confirmed twice while they count', async () => {
    const user = await person();
    const caller = service.as(user.session.accessToken);
    expect((await caller.post('/v1/auth/totp').send({ currentPassword: 'wrong' }).expect(403)).body.code).toBe('wrong-password');
    expect((await caller.post('/v1/auth/totp').send({}).expect(400)).body.errors[0].pointer).toBe('#/currentPassword');
    expect((await caller.post('/v1/auth/totp').send({ currentPassword: PASSWORD }).expect(409)).body.code).toBe('totp-enabled');
    expect((await confirm(user.session, await codeOf(user.secret)).expect(409)).body.code).toBe('totp-enabled');
    const other = await logIn(service, await makeUser(service));
    expect((await confirm(other, '123456').expect(409)).body.code).toBe('totp-not-begun');
    await service.as(user).post('/v1/auth/totp').send({ currentPassword: PASSWORD }).expect(403);
  });

  it('have a secret that is stored sealed, codes as hashes, and a rotation of the key that seals anew', async () => {
    const user = await person();
    const stored = JSON.stringify([
      await service.sql('SELECT * FROM second_factors WHERE user_id = $1', [user.id]),
      await service.sql(`SELECT encode(code_hash, 'escape') AS text FROM recovery_codes WHERE user_id = $1`, [user.id]),
    ]);
    for (const secret of [user.secret, ...user.recoveryCodes]) expect(stored).not.toContain(secret);
    const next = await startReplica(service.databaseUrl, { ...smtp.environment, SECRETS_KEY: NEW_KEY, SECRETS_KEY_PREVIOUS: OLD_KEY });
    const back = await startReplica(service.databaseUrl, { ...smtp.environment, SECRETS_KEY: OLD_KEY, SECRETS_KEY_PREVIOUS: NEW_KEY });
    const actor = { kind: 'command' as const, id: null, requestId: null };
    try {
      expect((await next.app.get(SecretsRotationService).rotate(actor)).unreadable).toEqual([]);
      await refused(login(user, await codeOf(user.secret)));
      await login(user, await codeOf(user.secret), next, '192.0.2.2').expect(200);
      expect((await back.app.get(SecretsRotationService).rotate(actor)).unreadable).toEqual([]);
    } finally {
      await Promise.all([next.close(), back.close()]);
    }
  });

  describe('a code', () => {
    it('works once, of any number of logins at once, on any replica', async () => {
      const user = await person();
      const code = await codeOf(user.secret);
      const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => login(user, code, service.replicas[i % 2])));
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 403, 403, 403, 403, 403, 403, 403]);
      await refused(login(user, code, service.replicas[1], '192.0.2.9'));
    });

    it('of the half minute before or after works, and none of before it then', async () => {
      const user = await person();
      const before = await codeOf(user.secret, -30);
      const after = await codeOf(user.secret, 30);
      await login(user, after).expect(200);
      await refused(login(user, before));
    });

    it('of yesterday, of another user, of the wrong shape and of nobody is refused', async () => {
      const user = await person();
      const other = await person();
      for (const off of [-DAY_S, -90, 90, DAY_S]) await refused(login(user, await codeOf(user.secret, off)));
      await refused(login(user, await codeOf(other.secret)));
      for (const code of ['12345', '1234567', 'abcdef', ' ', '１２３４５６', other.recoveryCodes[0]]) await refused(login(user, code));
      await login(user, await codeOf(user.secret)).expect(200);
    });

    it('cannot be guessed: a network is stopped after ten, and all networks after thirty, but not the owner where they were before, nor their recovery codes', async () => {
      const user = await person();
      await login(user, await codeOf(user.secret), service.replicas[0], '203.0.113.1').expect(200);
      const codes: string[] = [];
      for (let i = 0; i < 40; i++)
        codes.push(((await login(user, '000000', service.replicas[0], `198.51.100.${Math.floor(i / 10)}`)).body as { code: string }).code);
      expect(codes.filter((code) => code === 'code-refused')).toHaveLength(30);
      expect(codes.slice(30)).toEqual(Array(10).fill('too-many-attempts'));
      const { headers } = await login(user, await codeOf(user.secret)).expect(429);
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
      await login(user, await codeOf(user.secret, 30), service.replicas[0], '203.0.113.1').expect(200);
      await login(user, user.recoveryCodes[3]).expect(200);
      const neighbour = await person();
      await login(neighbour, await codeOf(neighbour.secret)).expect(200);
    });
  });

  it('have recovery codes that work once, whatever their case and dashes, and mail their owner', async () => {
    const user = await person();
    const code = user.recoveryCodes[0].toLowerCase().replaceAll('-', '');
    const answers = await Promise.all(Array.from({ length: 6 }, (_, i) => login(user, code, service.replicas[i % 2])));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 403, 403, 403, 403, 403]);
    expect((await smtp.mailTo(user.email, /recovery code/)).text).toContain('9 are left');
  });

  it('are removed with the password, recovery codes and all', async () => {
    const user = await person();
    const remove = (body: object) => service.as(user.session.accessToken).delete('/v1/auth/totp').send(body);
    expect((await remove({ currentPassword: 'wrong' }).expect(403)).body.code).toBe('wrong-password');
    await remove({ currentPassword: PASSWORD }).expect(204);
    await login(user).expect(200);
    await remove({ currentPassword: PASSWORD }).expect(404);
    expect(await service.sql('SELECT FROM recovery_codes WHERE user_id = $1', [user.id])).toEqual([]);
    await smtp.mailTo(user.email, /was removed/);
    const events = await service.sql(`SELECT action FROM audit_events WHERE target_id = $1 ORDER BY id`, [String(user.id)]);
    expect(events).toEqual([{ action: 'user.totp-enable' }, { action: 'user.totp-remove' }]);
  });

  it('survive a password that was reset, and go with their user', async () => {
    const user = await person();
    await service
      .as(await makeAdmin(service))
      .put(`/v1/users/${user.id}/password`)
      .send({ newPassword: PASSWORD })
      .expect(204);
    await login(user).expect(401);
    await login(user, await codeOf(user.secret)).expect(200);
    await service
      .as(await makeAdmin(service))
      .delete(`/v1/users/${user.id}`)
      .expect(204);
    await eventually(async () => expect(await service.sql('SELECT FROM second_factors WHERE user_id = $1', [user.id])).toEqual([]));
  });

  it('of somebody who lost all are removed by a command, which the audit log has', async () => {
    const user = await person();
    const environment = { ...smtp.environment, NODE_ENV: 'test', DATABASE_URL: service.databaseUrl, SECRETS_KEY: OLD_KEY, JWT_SECRET: NEW_KEY };
    const { code, stdout } = await run(['totp:remove', '--email', user.email.toUpperCase(), '--reason', 'lost their phone'], environment);
    expect([code, stdout]).toEqual([0, `The second factor of ${user.email.toUpperCase()} was removed.\n`]);
    await login(user).expect(200);
    const events = await service.sql(`SELECT actor_kind, reason FROM audit_events WHERE target_id = $1 AND action = 'user.totp-remove'`, [String(user.id)]);
    expect(events).toEqual([{ actor_kind: 'command', reason: 'lost their phone' }]);
    expect((await runHere(['totp:remove', '--email', 'nobody@example.com'], environment)).code).toBe(1);
    await smtp.mailTo(user.email, /was removed/);
  });

  describe('while auth.requireTotpForAdmins is true', () => {
    let admin: Enrolled;
    beforeAll(async () => {
      admin = await enrol(await makeAdmin(service));
      await writeSettingEverywhere(service, admin, 'auth.requireTotpForAdmins', true);
    });
    afterAll(() => writeSettingEverywhere(service, admin, 'auth.requireTotpForAdmins', false));

    it('let an administrator without one do nothing but enrol, by session and key; then all, within a second', async () => {
      const bare = await makeAdmin(service);
      const session = await logIn(service, bare);
      for (const replica of service.replicas) {
        for (const credential of [session.accessToken, bare.key]) {
          const caller = replica.as(credential);
          for (const path of ['/v1/users', '/v1/users/me', '/v1/configurations', '/v1/authorize']) {
            expect((await caller.get(path).expect(403)).body.code).toBe('totp-enrolment-required');
          }
          expect((await caller.post('/v1/requests').send({ type: 'x' }).expect(403)).body.code).toBe('totp-enrolment-required');
        }
      }
      const { secret } = await begin(session);
      await confirm(session, await codeOf(secret)).expect(200);
      for (const replica of service.replicas)
        for (const credential of [session.accessToken, bare.key]) await eventually(() => replica.as(credential).get('/v1/users').expect(200), 1_000);
      await service.as(session.accessToken).delete('/v1/auth/totp').send({ currentPassword: PASSWORD }).expect(204);
      await eventually(() => service.as(session.accessToken).get('/v1/users').expect(403), 1_000);
    });

    it('hold up neither users nor administrators who have one', async () => {
      const user = await makeUser(service);
      await service
        .as((await logIn(service, user)).accessToken)
        .get('/v1/users/me')
        .expect(200);
      await service.as(user).post('/v1/requests').send({ type: 'x' }).expect(201);
      await service.as(admin).get('/v1/users').expect(200);
      await service.as(admin.session.accessToken).get('/v1/users').expect(200);
    });
  });
});
