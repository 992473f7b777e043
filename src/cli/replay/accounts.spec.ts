import { emailOf } from './accounts';

describe('the account of a client', () => {
  it('is another one for another client', () => {
    const clients = [
      '198.51.100.1',
      '2001:db8::1',
      '2001_db8__1',
      '2001-db8--1',
      'a_b',
      'a:b',
      'a b',
      'a.b',
      'a..b',
      '-',
      'é',
      'x'.repeat(300),
      'x'.repeat(301),
    ];
    expect(new Set(clients.map(emailOf)).size).toBe(clients.length);
    for (const email of clients.map(emailOf)) expect(email).toMatch(/^[a-z0-9._-]{1,64}@replay\.quotidian\.local$/);
  });

  it('is the one that earlier replays made', () => {
    expect(['198.51.100.1', '2001:db8::1', 'host.example.com'].map((client) => emailOf(client).split('@')[0])).toEqual([
      '198.51.100.1',
      '2001_db8__1',
      'host.example.com',
    ]);
  });
});
