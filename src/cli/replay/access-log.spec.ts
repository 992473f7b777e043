import { cpuMsOf } from '../../../test/support/cpu-time';
import { type Hit, parseHit } from './access-log';

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
    const [first, again, elsewhere] = [parseHit(LINE, 1), parseHit(LINE, 1), parseHit(LINE, 2)].map((hit) => (hit as Hit).idempotencyKey);
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
      expect(parseHit(`${head} - ${user} [10/Oct/2026:13:55:36 +0200] "GET / HTTP/1.1" 200 5 "-" "-"`, 1)).toMatchObject({ client });
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
      expect(parseHit(text, 1)).toBe('no access log');
      expect(cpuMsOf(() => parseHit(text, 1), 50)).toBeLessThan(300);
    }
  });

  it('takes no other line for a hit', () => {
    for (const text of ['', 'hello', '1.2.3.4 - - "GET / HTTP/1.1" 200 5']) expect(parseHit(text, 1)).toBe('no access log');
    expect(parseHit('1.2.3.4 [10/Oct/2026:13:55:36 +0200] "GET / HTTP/1.1" 200 5', 1)).toBe('no client');
  });

  it.each([
    [
      'nginx',
      {
        remote_addr: '198.51.100.1',
        request: 'GET /a HTTP/2.0',
        status: '200',
        body_bytes_sent: 7,
        time_iso8601: '2026-10-10T13:55:36+02:00',
        http_user_agent: 'x',
      },
    ],
    ['Caddy', { ts: 1_760_000_000.5, request: { remote_ip: '198.51.100.1', method: 'GET', uri: '/a' }, status: 200, size: 7 }],
    ['Traefik', { ClientHost: '198.51.100.1', RequestMethod: 'GET', RequestPath: '/a', DownstreamStatus: 200, DownstreamContentSize: 7 }],
    ['pino', { req: { remoteAddress: '::ffff:198.51.100.1', method: 'GET', url: '/a' }, res: { statusCode: 200 }, bytes: 7 }],
    ['ECS', { 'client.ip': '198.51.100.1:5000', 'http.request.method': 'GET', 'url.original': '/a', 'http.response.status_code': 200, bytes: '7' }],
  ])('reads JSON as %s writes it', (_, line) => {
    expect(parseHit(JSON.stringify(line), 1)).toMatchObject({ client: '198.51.100.1', payload: { method: 'GET', path: '/a', status: 200, bytes: 7 } });
  });

  it('names why JSON is no hit', () => {
    expect(
      ['{"remote_addr":', '{"status":200}', '{"remote_addr":"198.51.100.1","level":30}', '{"__proto__":{"client":"x"}}'].map((text) => parseHit(text, 1)),
    ).toEqual(['JSON that cannot be read', 'JSON without a client', 'JSON without a request', 'JSON without a client']);
  });
});
