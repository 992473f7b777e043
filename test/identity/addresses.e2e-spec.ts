import { createHash } from 'node:crypto';
import { Client } from 'pg';
import { HousekeepingJob } from '../../src/housekeeping/housekeeping.job';
import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, PASSWORD, type TestUser } from '../support/factories';
import { tokenIn } from '../support/mailed-token';
import { type Service, startService } from '../support/service';
import { logIn } from '../support/sessions';
import { writeSettingEverywhere } from '../support/settings';
import { type Smtp, startSmtp } from '../support/smtp';

const NEW_PASSWORD = 'another horse, battery too';

describe('proofs of addresses', () => {
  let smtp: Smtp;
  let service: Service;
  let admin: TestUser;
  beforeAll(async () => {
    smtp = await startSmtp();
    service = await startService({ replicas: 2, environment: smtp.environment });
    admin = await makeAdmin(service);
  });
  afterAll(async () => {
    await service.close();
    await smtp.close();
  });

  const post = (path: string, body: object, from = service.replicas[0]) => from.as().post(`/v1/auth/${path}`).send(body);
  const verify = (token: string) => post('email/verify', { token });
  const forgot = (email: string) => post('password/forgot', { email }).expect(202);
  const reset = (token: string, newPassword = NEW_PASSWORD) => post('password/reset', { token, newPassword });
  const refused = async (call: PromiseLike<{ status: number; body: { code: string; errors: object[] } }>) => {
    const { status, body } = await call;
    expect({ status, code: body.code, errors: body.errors }).toMatchObject({ status: 400, code: 'token-refused', errors: [{ pointer: '#/token' }] });
  };
  const mode = (value: string) => writeSettingEverywhere(service, admin, 'auth.emailVerification', value);
  const account = async ({ id }: { id: number }) => (await service.as(admin).get(`/v1/users/${id}`).expect(200)).body as Record<string, unknown>;
  let count = 0;
  const address = () => `person-${++count}@example.com`;
  /** Somebody with a session, and a way to send the mail that proves their address. */
  const person = async (email = address()) => {
    const user = await makeUser(service, { email });
    const { accessToken } = await logIn(service, user);
    return { ...user, accessToken, as: service.as(accessToken) };
  };
  const verificationOf = async (user: { email: string; as: { post: (path: string) => { expect: (status: number) => PromiseLike<unknown> } } }) => {
    await user.as.post('/v1/auth/email/verification').expect(202);
    return tokenIn(await smtp.mailTo(user.email, /confirm/));
  };

  describe('while auth.emailVerification is off', () => {
    it('are not asked for, and can be made all the same', async () => {
      const email = address();
      const { body } = await post('register', { email, password: PASSWORD }).expect(201);
      expect(body).toMatchObject({ emailVerified: false, pendingEmail: null });
      const { accessToken } = await logIn(service, { email });
      const token = await verificationOf({ email, as: service.as(accessToken) });
      expect(smtp.mails.filter(({ subject, text }) => /confirm/.test(subject ?? '') && text?.includes(token))).toHaveLength(1);
      await verify(token).expect(204);
      expect(await account(body as { id: number })).toMatchObject({ email, emailVerified: true });
    });

    it('lapse with a new address, which counts at once, and the old one is written to', async () => {
      const user = await person();
      await verify(await verificationOf(user)).expect(204);
      const email = address();
      const { body } = await user.as.patch('/v1/users/me').send({ email, currentPassword: PASSWORD }).expect(200);
      expect(body).toMatchObject({ email, emailVerified: false, pendingEmail: null });
      expect((await smtp.mailTo(user.email, /was changed/)).text).toContain(email);
    });
  });

  it.each(['/verify-email', '/reset-password'])('have a page where the link leads, which lets in nothing but its own script: %s', async (path) => {
    const { text, headers } = await service
      .as()
      .get(path)
      .expect(200)
      .expect('content-type', /^text\/html/);
    const hashes = [/<script>(.*?)<\/script>/s, /<style>(.*?)<\/style>/s].map((part) =>
      createHash('sha256')
        .update(part.exec(text)?.[1] ?? '')
        .digest('base64'),
    );
    for (const hash of hashes) expect(headers['content-security-policy']).toContain(`'sha256-${hash}'`);
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    const [, action] = /data-path="([^"]+)"/.exec(text) ?? [];
    await service
      .as()
      .post(`/${action}`)
      .send({ token: `qto_${'A'.repeat(43)}`, ...(path === '/reset-password' ? { newPassword: PASSWORD } : {}) })
      .expect(400);
    expect(text).not.toContain('http://');
  });

  describe('a token', () => {
    it('works once, of any number of calls at once', async () => {
      const user = await person();
      const token = await verificationOf(user);
      const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => post('email/verify', { token }, service.replicas[i % 2])));
      expect(answers.map(({ status }) => status).sort()).toEqual([204, 400, 400, 400, 400, 400, 400, 400]);
      await refused(verify(token));
    });

    it('does not work after a day, by the database’s clock, nor one of a reset after an hour', async () => {
      const user = await person();
      const token = await verificationOf(user);
      const lifetimes = () =>
        service.sql<{ purpose: string; seconds: number }>(
          `SELECT purpose, extract(epoch FROM expires_at - created_at)::integer AS seconds FROM one_time_tokens WHERE user_id = $1 ORDER BY purpose`,
          [user.id],
        );
      await forgot(user.email);
      const resetToken = tokenIn(await smtp.mailTo(user.email, /new password/));
      expect(await lifetimes()).toEqual([
        { purpose: 'reset-password', seconds: 3_600 },
        { purpose: 'verify-email', seconds: 86_400 },
      ]);
      await service.sql(`UPDATE one_time_tokens SET expires_at = now() WHERE user_id = $1`, [user.id]);
      await refused(verify(token));
      await refused(reset(resetToken));
      await service.app.get(HousekeepingJob).run(new AbortController().signal);
      expect(await lifetimes()).toEqual([]);
    });

    it('is for its purpose alone, and is stored as a hash', async () => {
      const user = await person();
      const token = await verificationOf(user);
      await refused(reset(token));
      await forgot(user.email);
      const resetToken = tokenIn(await smtp.mailTo(user.email, /new password/));
      await refused(verify(resetToken));
      const stored = JSON.stringify(await service.sql('SELECT *, encode(token_hash, $1) AS text FROM one_time_tokens', ['escape']));
      for (const secret of [token, resetToken]) expect(stored).not.toContain(secret);
      await verify(token).expect(204);
    });

    it.each(['x', 'qto_', `qto_${'A'.repeat(43)}`, 'qto_%00'])('that never was one is refused: %j', async (token) => {
      await refused(verify(token));
      await refused(reset(token));
    });

    it('of an address that is not the account’s any more is refused, and of a removed account too', async () => {
      const user = await person();
      const token = await verificationOf(user);
      await service.sql('UPDATE users SET email = $2 WHERE id = $1', [user.id, address()]);
      await refused(verify(token));
      const other = await person();
      const last = await verificationOf(other);
      await service.as(admin).delete(`/v1/users/${other.id}`).expect(204);
      await refused(verify(last));
    });
  });

  describe('a forgotten password', () => {
    it('is replaced by the mailed token: all sessions end, the old password and every other token do too, and the address is proven', async () => {
      const user = await person();
      const other = await logIn(service, user);
      await forgot(user.email);
      await forgot(user.email.toUpperCase());
      const mails = await eventually(() => {
        const found = smtp.mails.filter(({ text, subject }) => /new password/.test(subject ?? '') && text !== undefined && JSON.stringify(text).length > 0);
        const own = found.filter(({ to }) => JSON.stringify(to).includes(user.email));
        if (own.length < 2) throw new Error('not both have come');
        return own;
      });
      const [first, second] = mails.map(tokenIn);
      expect((await reset(first, 'short').expect(400)).body.errors[0].pointer).toBe('#/newPassword');
      await reset(first).expect(204);
      await refused(reset(second));
      await refused(reset(first));
      for (const replica of service.replicas)
        for (const token of [user.accessToken, other.accessToken]) await eventually(() => replica.as(token).get('/v1/users/me').expect(401));
      await post('login', { email: user.email, password: PASSWORD }).expect(401);
      await logIn(service, user, NEW_PASSWORD);
      expect(await account(user)).toMatchObject({ emailVerified: true });
      await smtp.mailTo(user.email, /was changed/);
      const events = await service.sql(`SELECT action, actor_kind, actor_id FROM audit_events WHERE target_id = $1 AND action = 'user.password'`, [
        String(user.id),
      ]);
      expect(events).toEqual([{ action: 'user.password', actor_kind: 'user', actor_id: user.id }]);
    });

    it('is answered alike, and before anybody looks, whether there is an account or not', async () => {
      const user = await person();
      const suspended = await makeUser(service);
      await service.sql(`UPDATE users SET status = 'suspended' WHERE id = $1`, [suspended.id]);
      const client = new Client({ connectionString: service.databaseUrl });
      await client.connect();
      try {
        // Nobody reads an account meanwhile: an answer that waited for one would not come.
        await client.query('BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE');
        const answers = [];
        for (const email of [user.email, 'nobody@example.com', suspended.email]) answers.push(await forgot(email));
        const shown = answers.map(({ status, text, headers }) => ({ status, text, names: Object.keys(headers).sort() }));
        expect(shown[1]).toEqual(shown[0]);
        expect(shown[2]).toEqual(shown[0]);
        await client.query('COMMIT');
      } finally {
        await client.end();
      }
      await smtp.mailTo(user.email, /new password/);
      expect(await service.sql('SELECT FROM one_time_tokens WHERE user_id = $1', [suspended.id])).toEqual([]);
    });

    it('brings an address no flood of mails, and the mails that came go on working', async () => {
      const user = await person();
      for (let i = 0; i < 20; i++) await forgot(user.email);
      const other = await person();
      await forgot(other.email);
      await smtp.mailTo(other.email, /new password/);
      const mails = smtp.mails.filter(({ to, subject }) => JSON.stringify(to).includes(user.email) && /new password/.test(subject ?? ''));
      expect(mails.length).toBeLessThanOrEqual(3);
      await reset(tokenIn(mails[0])).expect(204);
    });

    const askElsewhere = (email: string) => post('password/forgot', { email }, service.replicas[1]).expect(202);

    it('keeps nobody’s mail away for a flood of addresses that nobody has, from the same network', async () => {
      const user = await person();
      await Promise.all(Array.from({ length: 120 }, (_, i) => askElsewhere(`flood-${i}@example.com`)));
      await eventually(async () => {
        await askElsewhere(user.email);
        return (await service.sql('SELECT FROM one_time_tokens WHERE user_id = $1', [user.id])).length > 0;
      });
      await smtp.mailTo(user.email, /new password/);
    });

    it('answers 202 to a network that asks for ever more accounts, and mails no more', async () => {
      const user = await person();
      await service.sql(`INSERT INTO users (email, password_hash) SELECT 'asked-' || n || '@example.com', '!' FROM generate_series(1, 60) n`);
      for (let i = 1; i <= 60; i++) await askElsewhere(`asked-${i}@example.com`);
      await askElsewhere(user.email);
      await forgot(user.email);
      await smtp.mailTo(user.email, /new password/);
      expect(await service.sql('SELECT FROM one_time_tokens WHERE user_id = $1', [user.id])).toHaveLength(1);
    });
  });

  describe('while auth.emailVerification is optional', () => {
    beforeAll(() => mode('optional'));

    it('are asked for at the registration, and hold nothing up', async () => {
      const email = address();
      const { body } = await post('register', { email, password: PASSWORD }).expect(201);
      const token = tokenIn(await smtp.mailTo(email, /confirm/));
      const { accessToken } = await logIn(service, { email });
      await service.as(accessToken).post('/v1/requests').send({ type: 'report' }).expect(201);
      await verify(token).expect(204);
      expect(await account(body as { id: number })).toMatchObject({ emailVerified: true });
    });

    it('decide over a change: the new address waits until it is proven, and the old one is warned', async () => {
      const user = await person();
      const email = address();
      const { body } = await user.as.patch('/v1/users/me').send({ email, currentPassword: PASSWORD }).expect(200);
      expect(body).toMatchObject({ email: user.email, pendingEmail: email });
      expect((await smtp.mailTo(user.email, /about to change/)).text).toContain(email);
      await logIn(service, user);
      await post('login', { email, password: PASSWORD }).expect(401);
      await verify(tokenIn(await smtp.mailTo(email, /confirm/))).expect(204);
      expect(await account(user)).toMatchObject({ email, pendingEmail: null, emailVerified: true });
      await logIn(service, { email });
      await post('login', { email: user.email, password: PASSWORD }).expect(401);
    });

    it('refuse a change without the password, to an address that is taken, and to one that is taken meanwhile', async () => {
      const user = await person();
      const other = await person();
      const change = (body: object) => user.as.patch('/v1/users/me').send(body);
      await change({ email: address() }).expect(403);
      expect((await change({ email: other.email.toUpperCase(), currentPassword: PASSWORD }).expect(409)).body.code).toBe('email-taken');
      const email = address();
      await change({ email, currentPassword: PASSWORD }).expect(200);
      const token = tokenIn(await smtp.mailTo(email, /confirm/));
      const third = await makeUser(service, { email });
      expect((await verify(token).expect(409)).body.code).toBe('email-taken');
      await service.sql('DELETE FROM users WHERE id = $1', [third.id]);
      await verify(token).expect(204);
    });

    it('give a change up when it is taken back, or the password is changed', async () => {
      for (const end of [{ email: true }, { newPassword: true }]) {
        const user = await person();
        const email = address();
        await user.as.patch('/v1/users/me').send({ email, currentPassword: PASSWORD }).expect(200);
        const token = tokenIn(await smtp.mailTo(email, /confirm/));
        if ('email' in end) await user.as.patch('/v1/users/me').send({ email: user.email, currentPassword: PASSWORD }).expect(200);
        else await user.as.put('/v1/users/me/password').send({ currentPassword: PASSWORD, newPassword: NEW_PASSWORD }).expect(204);
        expect(await account(user)).toMatchObject({ email: user.email, pendingEmail: null });
        await refused(verify(token));
      }
    });

    it('let an administrator change somebody’s address at once, unproven', async () => {
      const user = await person();
      const email = address();
      await service.as(admin).patch(`/v1/users/${user.id}`).send({ email }).expect(200);
      expect(await account(user)).toMatchObject({ email, pendingEmail: null, emailVerified: false });
      await smtp.mailTo(user.email, /was changed/);
      await verify(tokenIn(await smtp.mailTo(email, /confirm/))).expect(204);
    });

    it('send no more mail than a few to whoever changes their mind for ever', async () => {
      const user = await person();
      const answers = [];
      for (let i = 0; i < 8; i++) answers.push(await user.as.patch('/v1/users/me').send({ email: address(), currentPassword: PASSWORD }));
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 429, 429, 429]);
      await user.as.post('/v1/auth/email/verification').expect(202);
    });
  });

  describe('while auth.emailVerification is required', () => {
    beforeAll(() => mode('required'));

    it('come before the first charge, by submit, batch and gateway, with session and key; then all charge within a second', async () => {
      const user = await person();
      const calls = (replica: number) =>
        [user.key, user.accessToken].flatMap((credential) => {
          const caller = service.replicas[replica].as(credential);
          return [() => caller.post('/v1/requests').send({ type: 'report' }), () => caller.get('/v1/authorize')];
        });
      const codes: string[] = [];
      for (const replica of [0, 1]) {
        await eventually(async () => expect((await service.replicas[replica].as(user).get('/v1/authorize')).body.code).toBe('email-unverified'));
        for (const call of calls(replica)) codes.push((await call().expect(403)).body.code);
      }
      expect(new Set(codes)).toEqual(new Set(['email-unverified']));
      const { body } = await service
        .as(user)
        .post('/v1/requests/batch')
        .send({ items: [{ type: 'a' }, { type: 'b' }] })
        .expect(200);
      expect((body.items as { status: number; error: { code: string } }[]).map((item) => JSON.stringify(item).includes('email-unverified'))).toEqual([
        true,
        true,
      ]);
      expect(await service.sql('SELECT FROM requests WHERE user_id = $1', [user.id])).toEqual([]);
      await verify(await verificationOf(user)).expect(204);
      for (const replica of [0, 1]) for (const call of calls(replica)) await eventually(async () => expect([201, 204]).toContain((await call()).status), 1_000);
    });

    it('hold up neither reads, nor administrators, nor a service key that charges others', async () => {
      const user = await person();
      await user.as.get('/v1/users/me/quota').expect(200);
      const backend = await makeAdmin(service);
      await service.as(backend).post('/v1/requests').send({ type: 'report' }).expect(201);
      await service.as(backend).post('/v1/requests').send({ type: 'report', userId: user.id }).expect(201);
    });

    it('that end by plain SQL end the charges', async () => {
      const user = await person();
      await verify(await verificationOf(user)).expect(204);
      await eventually(() => service.as(user).post('/v1/requests').send({ type: 'report' }).expect(201), 1_000);
      await service.sql('UPDATE users SET email = $2 WHERE id = $1', [user.id, address()]);
      await eventually(() => service.as(user).post('/v1/requests').send({ type: 'report' }).expect(403), 1_000);
    });
  });
});
