import { parseHit } from './access-log';

const LINE = '2001:db8::1 - frank [10/Oct/2026:13:55:36 +0200] "GET /a?b=\\"c\\" HTTP/1.1" 200 2326 "https://example.com/" "A (\\"b\\") agent"';

describe('parseHit', () => {
  it('reads the combined format, with an IPv6 client and escaped quotes', () => {
    expect(parseHit(LINE, 7)).toMatchObject({
      line: 7,
      client: '2001:db8::1',
      payload: { method: 'GET', path: '/a?b=\\"c\\"', status: 200, bytes: 2326, referrer: 'https://example.com/', agent: 'A (\\"b\\") agent' },
    });
  });

  it('reads the common format, a request that is no HTTP, and a size that is not known', () => {
    expect(parseHit('host - - [10/Oct/2026:13:55:36 +0200] "-" 400 -', 1)).toMatchObject({
      client: 'host',
      payload: { method: '-', path: '', status: 400, bytes: 0 },
    });
  });

  it('makes a key from the line and its place: visible ASCII, the same each time, another one for the same text elsewhere', () => {
    const [first, again, elsewhere] = [parseHit(LINE, 1), parseHit(LINE, 1), parseHit(LINE, 2)].map((hit) => hit?.idempotencyKey);
    expect(first).toMatch(/^[\x21-\x7e]{1,255}$/);
    expect([again === first, elsewhere === first]).toEqual([true, false]);
  });

  it('takes no other line for a hit', () => {
    for (const text of ['', 'hello', '1.2.3.4 - - "GET / HTTP/1.1" 200 5']) expect(parseHit(text, 1)).toBeNull();
  });
});
