import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { simpleParser } from 'mailparser';
import { Environment } from '../../src/config/environment';
import { SecretsRotationService } from '../../src/configurations/secrets-rotation.service';
import { Transactions } from '../../src/database/transactions';
import { defineMail } from '../../src/mail/mail-template';
import { MailsService } from '../../src/mail/mails.service';
import { eventually } from '../support/eventually';
import { makeAdmin, makeUser, type TestUser } from '../support/factories';
import { type Replica, type Service, startReplica, startService } from '../support/service';
import { type Smtp, startSmtp } from '../support/smtp';

const HELLO = defineMail({
  name: 'test-hello',
  params: ['name', 'link'],
  subject: 'Hello {{name}} from {{productName}}',
  text: 'Hello {{name}},\n\nyour link:\n\n{{link}}\n',
});
const OLD_KEY = '101112131415161718191a1b1c1d1e1f000102030405060708090a0b0c0d0e0f';
const NEW_KEY = '202122232425262728292a2b2c2d2e2f000102030405060708090a0b0c0d0e0f';

/** What the service of another test in this file was given stays in the process's environment. */
const NO_SMTP = { SMTP_URL: '', MAIL_FROM: '', MAIL_TEMPLATES_DIR: '' };

describe('mails', () => {
  let smtp: Smtp;
  let service: Service;
  let user: TestUser;
  beforeAll(async () => {
    smtp = await startSmtp();
    service = await startService({ replicas: 2, environment: smtp.environment });
    user = await makeUser(service);
  });
  afterAll(async () => {
    await service.close();
    await smtp.close();
  });
  beforeEach(() => smtp.behave('accept'));

  interface Wish {
    to?: string;
    name?: string;
    link?: string;
    expiresInSeconds?: number;
    from?: Replica;
  }

  let count = 0;
  const address = () => `mail-${++count}@example.com`;
  const enqueue = ({ to = address(), name = 'Ada', link = 'https://example.com/?token=secret', expiresInSeconds, from = service }: Wish = {}) =>
    from.app
      .get(Transactions)
      .run((tx) => from.app.get(MailsService).enqueue(tx, { template: HELLO, to, params: { name, link }, userId: user.id, expiresInSeconds }));
  const newest = async () => (await service.sql('SELECT * FROM mails ORDER BY created_at DESC LIMIT 1'))[0];
  const state = async (expected: object) => eventually(async () => expect(await newest()).toMatchObject(expected));
  /** Once the try under way has failed: the next one, now. */
  const tryAgain = async (attempts: number) => {
    await state({ state: 'waiting', attempts, error: expect.any(String) });
    await service.sql(`UPDATE mails SET due_at = now() WHERE state = 'waiting'`);
    await service.sql('NOTIFY mails');
  };

  it('arrive as text and HTML, from whom MAIL_FROM names, and are forgotten but for having been sent', async () => {
    const to = address();
    await enqueue({ to, name: '<b>Ada</b> & Co', link: 'https://example.com/?a=1&b="2"' });
    const mail = await smtp.mailTo(to);
    expect(mail.from?.value).toEqual([{ name: 'Quotidian', address: 'quotidian@example.com' }]);
    expect(mail.subject).toBe('Hello <b>Ada</b> & Co from Quotidian');
    expect(mail.text).toContain('Hello <b>Ada</b> & Co,\n\nyour link:\n\nhttps://example.com/?a=1&b="2"');
    expect(mail.html).toContain('Hello &#60;b&#62;Ada&#60;/b&#62; &#38; Co');
    expect(mail.html).toContain('<a href="https://example.com/?a=1&#38;b=&#34;2&#34;">');
    expect(mail.headers.get('auto-submitted')).toBe('auto-generated');
    await state({ state: 'sent', contents: null, template: 'test-hello', user_id: user.id, attempts: 1 });
    expect(mail.messageId).toBe(`<${(await newest()).id as string}@example.com>`);
  });

  it('are not sent when their transaction is rolled back', async () => {
    const before = await service.sql('SELECT count(*) FROM mails');
    await service.app
      .get(Transactions)
      .tryOut((tx) => service.app.get(MailsService).enqueue(tx, { template: HELLO, to: 'no@example.com', params: { name: '', link: '' }, userId: null }));
    await enqueue({ to: 'yes@example.com' });
    await smtp.mailTo('yes@example.com');
    expect(Number((await service.sql('SELECT count(*) FROM mails'))[0].count)).toBe(Number(before[0].count) + 1);
    expect(smtp.mails.some(({ text }) => text?.includes('no@example.com'))).toBe(false);
  });

  it('do not stand in the database in the clear while they wait', async () => {
    smtp.behave('refuse for now');
    await enqueue({ to: 'sealed@example.com', link: 'https://example.com/?token=a-secret-token' });
    await state({ state: 'waiting', error: expect.any(String) });
    const row = JSON.stringify(await newest());
    expect(row).not.toContain('a-secret-token');
    expect(row).not.toContain('sealed@example.com');
    expect((await newest()).contents).toEqual({ keyId: expect.any(String), sealed: expect.any(String) });
    smtp.behave('accept');
    await tryAgain(1);
    await smtp.mailTo('sealed@example.com');
  });

  it.each(['refuse for now', 'refuse the sender', 'drop'] as const)('are tried again after a server did this: %s', async (behaviour) => {
    smtp.behave(behaviour);
    const to = address();
    await enqueue({ to });
    await state({ state: 'waiting', attempts: 1, error: expect.any(String) });
    const [{ pause }] = await service.sql<{ pause: number }>(
      `SELECT extract(epoch FROM due_at - created_at)::float8 AS pause FROM mails ORDER BY created_at DESC LIMIT 1`,
    );
    expect(pause).toBeGreaterThan(8);
    await tryAgain(1);
    await state({ attempts: 2, error: expect.any(String), state: 'waiting' });
    smtp.behave('accept');
    await tryAgain(2);
    expect((await smtp.mailTo(to)).messageId).toBe(`<${(await newest()).id as string}@example.com>`);
    await state({ state: 'sent', attempts: 3 });
  });

  it('are given up when the server refuses them for good, and not tried again', async () => {
    smtp.behave('refuse for good');
    await enqueue();
    await state({ state: 'failed', attempts: 1, contents: null, error: expect.stringContaining('not today') });
  });

  it('are given up after the last try of the plan', async () => {
    smtp.behave('refuse for now');
    await enqueue();
    await state({ state: 'waiting', attempts: 1, error: expect.any(String) });
    await service.sql(`UPDATE mails SET attempts = 8, due_at = now() WHERE state = 'waiting'`);
    await service.sql('NOTIFY mails');
    await state({ state: 'failed', attempts: 9, contents: null });
  });

  it('of a process that died with them are sent by another, with the same Message-ID', async () => {
    smtp.behave('stall');
    const to = address();
    await enqueue({ to });
    await eventually(() => smtp.stalled() === 1);
    // As the lease runs out: whoever holds it is dead for all that the others know.
    await service.sql(`UPDATE mails SET due_at = now() WHERE state = 'waiting'`);
    await service.sql('NOTIFY mails');
    await eventually(() => smtp.stalled() === 2);
    smtp.behave('accept');
    // The first of the two failed as well by now, and changes nothing that the second one wrote.
    await tryAgain(2);
    expect((await smtp.mailTo(to)).messageId).toBe(`<${(await newest()).id as string}@example.com>`);
    await state({ state: 'sent', attempts: 3 });
  });

  it('of which each is sent once by two replicas', async () => {
    const all = Array.from({ length: 40 }, address);
    await Promise.all(all.map((to, i) => enqueue({ to, from: service.replicas[i % 2] })));
    for (const to of all) await smtp.mailTo(to);
    await eventually(async () => (await service.sql(`SELECT FROM mails WHERE state = 'waiting'`)).length === 0);
    const received = smtp.mails.flatMap(({ to }) => [to ?? []].flat().map(({ text }) => text));
    expect(all.filter((to) => received.filter((other) => other === to).length !== 1)).toEqual([]);
  });

  it('that a server stalls hold nothing else: calls are answered, and no transaction is open', async () => {
    smtp.behave('stall');
    const all = Array.from({ length: 12 }, address);
    for (const to of all) await enqueue({ to });
    await eventually(() => smtp.stalled() === 8);
    for (const { as } of service.replicas) await as(user).post('/v1/requests').send({ type: 'report' }).expect(201);
    await eventually(
      async () => (await service.sql(`SELECT FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`)).length === 0,
    );
    expect(smtp.stalled()).toBe(8);
    smtp.behave('accept');
    await eventually(async () => {
      await service.sql(`UPDATE mails SET due_at = now() WHERE state = 'waiting' AND error IS NOT NULL`);
      await service.sql('NOTIFY mails');
      return (await service.sql(`SELECT FROM mails WHERE state = 'waiting'`)).length === 0;
    });
    for (const to of all) await smtp.mailTo(to);
  });

  it('that came too late are not sent', async () => {
    const to = address();
    await enqueue({ to, expiresInSeconds: 0 });
    await state({ state: 'failed', contents: null });
    expect(smtp.mails.flatMap(({ to: found }) => [found ?? []].flat().map(({ text }) => text))).not.toContain(to);
  });

  it.each(['a@example.com\r\nBcc: b@example.com', 'a@example.com,b@example.com', 'nobody', '', 'a@example.com\u0000'])(
    'do not go to what is no address: %j',
    async (to) => {
      expect(await enqueue({ to })).toBe(false);
    },
  );

  it('have one subject of one line, whatever stands in it', async () => {
    const to = address();
    await enqueue({ to, name: 'Ada\r\nBcc: b@example.com\r\n\r\nbody' });
    const mail = await smtp.mailTo(to);
    expect(mail.subject).toBe('Hello Ada Bcc: b@example.com body from Quotidian');
    expect(mail.bcc).toBeUndefined();
  });

  it('call the product and its address what the settings do', async () => {
    const admin = await makeAdmin(service);
    await service.as(admin).put('/v1/configurations/mail.productName').set('if-none-match', '*').send({ value: 'Meters & Co' }).expect(200);
    const to = address();
    await eventually(async () => {
      await enqueue({ to });
      return (await smtp.mailTo(to)).subject === 'Hello Ada from Meters & Co';
    });
    await service.as(admin).put('/v1/configurations/mail.linkBase').set('if-none-match', '*').send({ value: 'javascript:alert(1)' }).expect(400);
    await service.as(admin).delete('/v1/configurations/mail.productName').set('if-match', '*').expect(204);
  });

  it('that wait are sealed anew by the rotation of the key, and are sent after it', async () => {
    // The rotation counts every one that waits: those of the tests before are on their way until they are written down as sent.
    await eventually(async () => (await service.sql(`SELECT FROM mails WHERE state = 'waiting'`)).length === 0);
    smtp.behave('refuse for now');
    const to = address();
    await enqueue({ to });
    await state({ state: 'waiting', error: expect.any(String) });
    const { contents } = await newest();
    const next = await startReplica(service.databaseUrl, { ...smtp.environment, SECRETS_KEY: NEW_KEY, SECRETS_KEY_PREVIOUS: OLD_KEY });
    try {
      const report = await next.app.get(SecretsRotationService).rotate({ kind: 'command', id: null, requestId: null });
      expect(report).toEqual({ resealed: 1, unreadable: [] });
      expect((await newest()).contents).not.toEqual(contents);
      smtp.behave('accept');
      // The replicas with the old key alone cannot open it, and leave it for the one that can.
      await eventually(async () => {
        await service.sql(`UPDATE mails SET due_at = now() WHERE state = 'waiting' AND error IS NOT NULL`);
        await service.sql('NOTIFY mails');
        return (await newest()).state === 'sent';
      });
      await smtp.mailTo(to);
    } finally {
      await next.close();
    }
  });

  it('go with the account that they are about, and after their retention', async () => {
    const mails = service.app.get(MailsService);
    await service.sql(`UPDATE mails SET ended_at = now() - interval '29 days' WHERE state <> 'waiting'`);
    expect(await mails.removeEnded()).toBe(0);
    await service.sql(`UPDATE mails SET ended_at = now() - interval '31 days' WHERE state <> 'waiting'`);
    expect(await mails.removeEnded()).toBeGreaterThan(10);
    await enqueue();
    await service.as(user).delete('/v1/users/me').expect(403);
    await service
      .as(await makeAdmin(service))
      .delete(`/v1/users/${user.id}`)
      .expect(204);
    await eventually(async () => (await service.sql('SELECT FROM mails WHERE user_id = $1', [user.id])).length === 0);
  });
});

describe('without a server', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService({
      environment: {
        ...NO_SMTP,
        MAIL_TEMPLATES_DIR: folderWith({ 'test-hello.txt': 'Subject: Hallo {{name}}\n\nGuten Tag {{name}}\n', 'test-hello.html': '<i>{{name}}</i>' }),
      },
    });
  });
  afterAll(() => service.close());

  it('mails are files in DATA_DIR/mail that nobody else reads, by the operator’s own texts', async () => {
    const [{ app }] = service.replicas;
    await app
      .get(Transactions)
      .run((tx) => app.get(MailsService).enqueue(tx, { template: HELLO, to: 'a@example.com', params: { name: 'A<b', link: 'x' }, userId: null }));
    const folder = join(app.get(Environment).DATA_DIR, 'mail');
    const file = await eventually(() => {
      const found = readdirSync(folder).find((name) => name.endsWith('.eml'));
      if (found === undefined) throw new Error('there is no file yet');
      return found;
    });
    expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
    const mail = await simpleParser(readFileSync(join(folder, file)));
    expect(mail).toMatchObject({ subject: 'Hallo A<b', text: 'Guten Tag A<b\n', html: '<i>A&#60;b</i>' });
  });

  /** Closed again where it starts all the same. */
  const refused = async (environment: Partial<Environment>) => (await startReplica(service.databaseUrl, environment)).close();

  it.each([
    [{ 'test-hello.html': '{{nobody}}' }, /test-hello\.html names nobody/],
    [{ 'test-hello.txt': 'no subject' }, /must begin with a line "Subject: /],
    [{ 'test-hallo.txt': 'Subject: x\n\nx' }, /test-hallo\.txt is the text of no mail/],
  ])('the service does not start with texts that cannot be used: %j', async (files, message) => {
    await expect(refused({ ...NO_SMTP, MAIL_TEMPLATES_DIR: folderWith(files) })).rejects.toThrow(message);
  });

  it.each([
    [{ SMTP_URL: 'mail.example.com', MAIL_FROM: 'a@example.com' }, /SMTP_URL must be smtp:/],
    [{ SMTP_URL: 'smtp://secret:secret@mail.example.com/x', MAIL_FROM: 'a@example.com' }, /^(?!.*secret:secret).*SMTP_URL must be/],
    [{ SMTP_URL: 'smtp://mail.example.com' }, /MAIL_FROM is missing/],
    [{ MAIL_FROM: 'nobody' }, /MAIL_FROM must be an address/],
  ])('the service does not start with %j', async (environment, message) => {
    await expect(refused({ ...NO_SMTP, ...environment })).rejects.toThrow(message);
  });
});

function folderWith(files: Record<string, string | undefined>): string {
  const folder = mkdtempSync(join(tmpdir(), 'quotidian-mail-'));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content ?? '');
  return folder;
}
