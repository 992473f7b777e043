import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, PASSWORD, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { type Session } from '../support/sessions';
import { writeSettingEverywhere } from '../support/settings';
import { type Smtp, startSmtp } from '../support/smtp';

interface Listed {
  id: string;
  address: string | null;
  userAgent: string | null;
  current: boolean;
  createdAt: string;
  lastUsedAt: string;
}

describe('the list of sessions', () => {
  let smtp: Smtp;
  let service: Service;
  let admin: TestUser;
  beforeAll(async () => {
    smtp = await startSmtp();
    service = await startService({ replicas: 2, environment: { ...smtp.environment, TRUST_PROXY: '1' } });
    admin = await makeAdmin(service);
  });
  afterAll(async () => {
    await service.close();
    await smtp.close();
  });

  const logInFrom = async ({ email }: { email: string }, userAgent = 'Browser/1.0', address = '192.0.2.7') => {
    const call = service.as().post('/v1/auth/login').set('user-agent', userAgent).set('x-forwarded-for', address);
    return (await call.send({ email, password: PASSWORD }).expect(200)).body as Session;
  };
  const list = async (session: Session, query = '') =>
    (await service.as(session.accessToken).get(`/v1/users/me/sessions${query}`).expect(200)).body as { items: Listed[]; nextCursor: string | null };
  const mailsTo = ({ email }: TestUser) => smtp.mails.filter(({ to, subject }) => JSON.stringify(to).includes(email) && /sign-in/.test(subject ?? ''));

  it('has each with its device, newest first, and marks the present one', async () => {
    const user = await makeUser(service);
    const first = await logInFrom(user, 'Phone/2', '198.51.100.7');
    const second = await logInFrom(user);
    const { items, nextCursor } = await list(first);
    expect(nextCursor).toBeNull();
    expect(items).toEqual([
      { id: expect.any(String), createdAt: expect.any(String), lastUsedAt: expect.any(String), address: '192.0.2.7', userAgent: 'Browser/1.0', current: false },
      { id: expect.any(String), createdAt: expect.any(String), lastUsedAt: expect.any(String), address: '198.51.100.7', userAgent: 'Phone/2', current: true },
    ]);
    expect((await list(second)).items.map(({ current }) => current)).toEqual([true, false]);
    const { body } = await service.as(admin).get(`/v1/users/${user.id}/sessions`).expect(200);
    expect((body as { items: Listed[] }).items.map(({ current }) => current)).toEqual([false, false]);
  });

  it('shows where a session was refreshed last, and neither expired nor outdated ones', async () => {
    const user = await makeUser(service);
    const session = await logInFrom(user);
    await logInFrom(user, 'Old/1');
    await service.sql(`UPDATE sessions SET expires_at = now() WHERE user_id = $1 AND user_agent = 'Old/1'`, [user.id]);
    const refreshing = service.as().post('/v1/auth/refresh').set('user-agent', 'Browser/2.0').set('x-forwarded-for', '203.0.113.9');
    const { body } = await refreshing.send({ refreshToken: session.refreshToken }).expect(200);
    expect((await list(body as Session)).items).toMatchObject([{ address: '203.0.113.9', userAgent: 'Browser/2.0', current: true }]);
  });

  it('keeps of a user agent what is printable, up to 300 characters', async () => {
    const user = await makeUser(service);
    const session = await logInFrom(user, `Tab\t${'x'.repeat(5_000)}`, 'not an address');
    const [{ userAgent }] = (await list(session)).items;
    expect(userAgent).toBe(`Tab?${'x'.repeat(296)}`);
  });

  it('comes in pages', async () => {
    const user = await makeUser(service);
    let last = await logInFrom(user);
    for (let i = 0; i < 4; i++) last = await logInFrom(user, `Browser/${i}`);
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page = await list(last, `?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    expect(new Set(seen).size).toBe(5);
    expect(seen).toEqual([...seen].sort((a, b) => Number(b) - Number(a)));
  });

  it('ends one, everywhere and with its refresh token, and leaves the others', async () => {
    const user = await makeUser(service);
    const lost = await logInFrom(user, 'Lost/1');
    const kept = await logInFrom(user);
    for (const { as } of service.replicas) await as(lost.accessToken).get('/v1/users/me').expect(200);
    const { id } = (await list(kept)).items[1];
    await service.as(kept.accessToken).delete(`/v1/users/me/sessions/${id}`).expect(204);
    for (const { as } of service.replicas) await eventually(() => as(lost.accessToken).get('/v1/users/me').expect(401), 1_000);
    await service.as().post('/v1/auth/refresh').send({ refreshToken: lost.refreshToken }).expect(401);
    await service.as(kept.accessToken).get('/v1/users/me').expect(200);
    await service.as(kept.accessToken).delete(`/v1/users/me/sessions/${id}`).expect(404);
    const events = await service.sql(`SELECT action, actor_id FROM audit_events WHERE target_kind = 'session' AND target_id = $1`, [id]);
    expect(events).toEqual([{ action: 'session.end', actor_id: user.id }]);
  });

  it('ends all, or all but the present one', async () => {
    const user = await makeUser(service);
    const other = await logInFrom(user, 'Other/1');
    const mine = await logInFrom(user);
    await service.as(mine.accessToken).delete('/v1/users/me/sessions?keepCurrent=true').expect(204);
    await eventually(() => service.as(other.accessToken).get('/v1/users/me').expect(401), 1_000);
    expect((await list(mine)).items).toHaveLength(1);
    await service.as(admin).delete(`/v1/users/${user.id}/sessions?reason=stolen`).expect(204);
    await eventually(() => service.as(mine.accessToken).get('/v1/users/me').expect(401), 1_000);
    await service.as(mine.accessToken).delete('/v1/users/me/sessions?keepCurrent=maybe').expect(401);
  });

  it('is nobody else’s, and no API key’s: 404 and 403', async () => {
    const user = await makeUser(service);
    const other = await makeUser(service);
    const session = await logInFrom(user);
    const foreign = await logInFrom(other);
    const { id } = (await list(foreign)).items[0];
    const caller = service.as(session.accessToken);
    await caller.get(`/v1/users/${other.id}/sessions`).expect(404);
    await caller.delete(`/v1/users/${other.id}/sessions`).expect(404);
    await caller.delete(`/v1/users/${other.id}/sessions/${id}`).expect(404);
    await caller.delete(`/v1/users/me/sessions/${id}`).expect(404);
    for (const none of ['0', '-1', 'x', '99999999999999999999', '1e3']) await caller.delete(`/v1/users/me/sessions/${none}`).expect(404);
    await service.as(user).get('/v1/users/me/sessions').expect(403);
    await service.as(admin).get('/v1/users/999999999/sessions').expect(404);
    await list(foreign);
  });

  it('mails its owner of a sign-in from a device that is new, and of no other', async () => {
    const user = await makeUser(service);
    await logInFrom(user);
    await logInFrom(user, 'Browser/1.1', '192.0.9.9');
    await logInFrom(user, 'Stranger/1 <b>', '198.51.100.1');
    const mail = await smtp.mailTo(user.email, /sign-in/);
    expect(mail.text).toContain('Address: 198.51.100.1\nProgram: Stranger/1 <b>');
    await logInFrom(user, 'Stranger/1 <b>', '198.51.7.7');
    await writeSettingEverywhere(service, admin, 'auth.newDeviceMail', false);
    await logInFrom(user, 'Third/1');
    await writeSettingEverywhere(service, admin, 'auth.newDeviceMail', true);
    await logInFrom(user, 'Fourth/1');
    await eventually(() => mailsTo(user).length === 2);
    expect(
      mailsTo(user)
        .map(({ text }) => /Program: (\w+)/.exec(text ?? '')?.[1])
        .sort(),
    ).toEqual(['Fourth', 'Stranger']);
  });

  it('keeps a bounded number of devices of a user', async () => {
    const user = await makeUser(service);
    await service.sql(
      `INSERT INTO known_devices (user_id, device_hash, last_seen_at) SELECT $1, sha256(n::text::bytea), now() - n * interval '1 day' FROM generate_series(1, 150) n`,
      [user.id],
    );
    await logInFrom(user);
    expect(await service.sql('SELECT count(*)::integer AS n FROM known_devices WHERE user_id = $1', [user.id])).toEqual([{ n: 100 }]);
  });
});
