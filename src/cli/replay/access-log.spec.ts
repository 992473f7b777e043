import { cpuMsOf } from '../../../test/support/cpu-time';
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

  it.each([
    ['198.51.100.7', '198.51.100.7'],
    ['www.shop.test:443 198.51.100.1', '198.51.100.1'],
    ['www.shop.test 198.51.100.1', '198.51.100.1'],
    ['10.0.0.1:443 198.51.100.1', '198.51.100.1'],
    ['www.shop.test:443 2001:DB8:0:0::1', '2001:db8::1'],
    ['www.shop.test:80 client.example.com', 'client.example.com'],
    ['198.51.100.77:50001', '198.51.100.77'],
    ['[2001:db8::1]:50001', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['2001:DB8:0::1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::ffff:198.51.100.1', '198.51.100.1'],
    ['198.51.100.1, 10.0.0.1', '198.51.100.1'],
    ['Client.Example.COM:50001', 'client.example.com'],
  ])('takes %s as the client %s, with any user', (head, client) => {
    for (const user of ['-', 'frank', 'frank smith']) {
      expect(parseHit(`${head} - ${user} [10/Oct/2026:13:55:36 +0200] "GET / HTTP/1.1" 200 5 "-" "-"`, 1)?.client).toBe(client);
    }
  });

  it('takes a line of 300 kB for the hit that it is, and cuts what it submits', () => {
    const long = 'x'.repeat(300_000);
    const hit = parseHit(`198.51.100.1 - - [10/Oct/2026:13:55:36 +0200] "GET /${long} HTTP/1.1" 414 0 "${long}" "${long}"`, 1);
    expect(hit).toMatchObject({ client: '198.51.100.1', payload: { status: 414, path: expect.stringMatching(/^\/x{2047}$/) } });
    expect(JSON.stringify(hit).length).toBeLessThan(10_000);
  });

  it('looks through a line in time that is linear in it', () => {
    for (const text of [' [a'.repeat(300_000), `a [b] "${'\\"'.repeat(300_000)}`, '"'.repeat(1_000_000)]) {
      expect(parseHit(text, 1)).toBeNull();
      expect(cpuMsOf(() => parseHit(text, 1), 50)).toBeLessThan(300);
    }
  });

  it('takes no other line for a hit', () => {
    for (const text of ['', 'hello', '1.2.3.4 - - "GET / HTTP/1.1" 200 5']) expect(parseHit(text, 1)).toBeNull();
  });
});
