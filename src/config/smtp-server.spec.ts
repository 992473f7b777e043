import { isMailAddress, mailFromOf, smtpServerOf } from './smtp-server';

describe('SMTP_URL', () => {
  it('names a server, with its own port and credentials where it has them', () => {
    expect(smtpServerOf('smtp://localhost')).toEqual({ host: 'localhost', port: 587, secure: false, startTls: 'offered', verified: true, credentials: null });
    expect(smtpServerOf('smtps://a%40b:p%2Fw@mail.example.com')).toMatchObject({ port: 465, secure: true, credentials: { user: 'a@b', pass: 'p/w' } });
    expect(smtpServerOf('smtp://[::1]:2525')).toMatchObject({ host: '::1', port: 2525 });
  });

  it('never leads a password over a network in the clear unless that is asked for', () => {
    expect(smtpServerOf('smtp://a:b@mail.example.com')?.startTls).toBe('required');
    expect(smtpServerOf('smtp://a:b@127.0.0.1')?.startTls).toBe('offered');
    expect(smtpServerOf('smtp://a:b@mail.example.com?tls=never')?.startTls).toBe('never');
    expect(smtpServerOf('smtp://mail.example.com?tls=unverified')).toMatchObject({ startTls: 'offered', verified: false });
  });

  it.each([
    ['', 'mail.example.com', 'http://mail.example.com', 'smtp:', 'smtp://'],
    ['smtp://host/path', 'smtp://host#x', 'smtp://host?tls=maybe', 'smtp://host?pool=true', 'smtp://host?tls=never&tls=never'],
    ['smtps://host?tls=never', 'smtp://:password@host', 'smtp://%zz:a@host', 'smtp://host:99999'],
  ])('is refused when it is no such address', (...texts) => {
    expect(texts.filter((text) => smtpServerOf(text) !== null)).toEqual([]);
  });
});

describe('MAIL_FROM', () => {
  it('is an address, alone or behind a name', () => {
    expect(mailFromOf('a@example.com')).toEqual({ name: '', address: 'a@example.com' });
    expect(mailFromOf('Ada & Co <a@example.com>')).toEqual({ name: 'Ada & Co', address: 'a@example.com' });
  });

  it.each(['', 'Ada', 'a@b@c', '<>', 'Ada <a>', 'Ada\r\nBcc: x <a@example.com>', 'a@example.com, b@example.com', 'A <a@example.com> <b@example.com>'])(
    'is refused as %j',
    (text) => expect(mailFromOf(text)).toBeNull(),
  );
});

describe('an address that mail goes to', () => {
  it.each(['a@b', 'first.last+tag@sub.example.com', `${'a'.repeat(64)}@example.com`])('may be %j', (text) => expect(isMailAddress(text)).toBe(true));
  it.each(['', 'a', '@b', 'a@', 'a b@c', 'a@b\r\nBcc: c@d', 'a@b,c@d', '<a@b>', 'ä@b', `${'a'.repeat(65)}@b`, `a@${'b'.repeat(254)}`, 'a@b\u0000'])(
    'is not %j',
    (text) => expect(isMailAddress(text)).toBe(false),
  );
});
