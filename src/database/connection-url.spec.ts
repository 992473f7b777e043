import { parseConnectionUrl } from './connection-url';

describe('a connection URL', () => {
  it.each([
    ['postgres://u:p@h:5433/db', [{ host: 'h', port: 5433 }]],
    ['postgresql://h/db', [{ host: 'h' }]],
    [
      'postgres://u:p@h1:1,h2:2/db?target_session_attrs=read-write',
      [
        { host: 'h1', port: 1 },
        { host: 'h2', port: 2 },
      ],
    ],
    ['postgres://u:p@h1,h2:2/db', [{ host: 'h1' }, { host: 'h2', port: 2 }]],
    [
      'postgres://[::1]:1,[fe80::2]:2/db',
      [
        { host: '::1', port: 1 },
        { host: 'fe80::2', port: 2 },
      ],
    ],
    [
      'postgres://u@%2Ftmp%2Fa:1,%2Ftmp%2Fb:2/db',
      [
        { host: '/tmp/a', port: 1 },
        { host: '/tmp/b', port: 2 },
      ],
    ],
    [
      'postgres://u@/db?host=/tmp/a,/tmp/b&port=1,2',
      [
        { host: '/tmp/a', port: 1 },
        { host: '/tmp/b', port: 2 },
      ],
    ],
    [
      'postgres://u@/db?host=/tmp/a,/tmp/b&port=7',
      [
        { host: '/tmp/a', port: 7 },
        { host: '/tmp/b', port: 7 },
      ],
    ],
    ['postgresql://postgres@/db?host=%2Ftmp%2Fpg-x&port=5432', [{ host: '/tmp/pg-x', port: 5432 }]],
    ['postgres:///db', [{}]],
  ])('%s names its servers', (url, servers) => expect(parseConnectionUrl(url).servers).toEqual(servers));

  it('keeps what is needed to log in, decoded, and the options of the session', () => {
    const { login, options } = parseConnectionUrl(
      'postgres://me:p%40ss%2Fword@a:1,b:2/my%20db?options=-c%20search_path%3Dapp&sslmode=no-verify&statement_timeout=1',
    );
    expect(login).toEqual({ user: 'me', password: 'p@ss/word', database: 'my db', ssl: { rejectUnauthorized: false } });
    expect(options).toBe('-c search_path=app');
  });

  it.each([
    ['mysql://u:secret@h/db', /postgres:\/\//],
    ['postgres://u:secret@h:bad/db', /cannot be read/],
    ['postgres://u:secret@h1:x,h2/db', /h1:x/],
    ['postgres://u:secret@/db?host=a,b,c&port=1,2', /ports/],
    ['postgres://u:secret@h/db?target_session_attrs=standby', /target_session_attrs=standby/],
  ])('%s is refused, and its password not repeated', (url, reason) => {
    expect(() => parseConnectionUrl(url)).toThrow(reason);
    expect(() => parseConnectionUrl(url)).not.toThrow(/secret/);
  });
});
