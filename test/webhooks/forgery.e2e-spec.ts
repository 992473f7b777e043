import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Environment } from '../../src/config/environment';
import { type Setting } from '../../src/settings/setting';
import { type SettingsService } from '../../src/settings/settings.service';
import { HostResolver } from '../../src/webhooks/host-resolver';
import { Sender } from '../../src/webhooks/sender.service';
import { WebhookSettings } from '../../src/webhooks/webhooks.settings';
import { type DnsServer, startDnsServer } from '../support/dns-server';

/** Stands for the public Internet here: the one address that is allowed. */
const PUBLIC = '127.0.0.2';
/** And this for everything that must not be reached. */
const INSIDE = '127.0.0.1';

/** Literals in every way of writing that leads inside; the port is that of a server that counts who connects. */
const LITERALS = [
  '127.0.0.1', '127.1', '127.255.255.254', '0x7f000001', '0x7f.1', '2130706433', '017700000001', '0177.0.0.1', '0', '0.0.0.0', '0.0.0.1',
  '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1', '169.254.1.1', '169.254.169.254', '0xa9fea9fe', '2852039166', '168.63.129.16',
  '192.0.0.192', '192.0.2.1', '192.88.99.1', '198.18.0.1', '198.51.100.1', '203.0.113.1', '224.0.0.1', '240.0.0.1', '255.255.255.255',
  '[::]', '[::1]', '[::127.0.0.1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::ffff:a9fe:a9fe]', '[::ffff:0:127.0.0.1]', '[64:ff9b::127.0.0.1]', '[64:ff9b::7f00:1]',
  '[64:ff9b::a9fe:a9fe]', '[64:ff9b:1::7f00:1]', '[2002:7f00:1::]', '[2002:a9fe:a9fe::1]', '[2001:0:7f00:1::]', '[2001:db8::1]', '[100::1]', '[3fff::1]', '[5f00::1]',
  '[fe80::1]', '[fec0::1]', '[fc00::1]', '[fd00:ec2::254]', '[ff02::1]', 'localhost', 'LOCALHOST', 'localhost.', 'x.localhost', '①②⑦.⓪.⓪.①', '%31%32%37.0.0.1',
]; // prettier-ignore

/** Addresses that a name must not have, alone or beside a good one. */
const RESOLVED = [
  ['127.0.0.1'], [PUBLIC, '127.0.0.1'], ['127.0.0.1', PUBLIC], ['10.1.2.3'], ['169.254.169.254'], ['100.100.100.200'], ['0.0.0.0'], ['::1'], [PUBLIC, '::1'], ['::ffff:127.0.0.1'],
  ['::ffff:169.254.169.254'], ['64:ff9b::7f00:1'], ['2002:7f00:1::'], ['fe80::1'], ['fd00:ec2::254'], ['::'], ['::7f00:1'], [PUBLIC, 'ff02::1'],
]; // prettier-ignore

describe('a webhook', () => {
  let inside: Server;
  let outside: Server;
  let dns: DnsServer;
  let port: number;
  let reached: string[];
  let sender: Sender;
  let names: Record<string, (question: number) => readonly string[]>;

  beforeAll(async () => {
    inside = createServer((_, response) => void response.end('inside'));
    outside = createServer((request, response) => {
      const redirect = request.url === '/redirect' ? { location: `http://${INSIDE}:${port}/` } : null;
      response.writeHead(redirect ? 307 : 200, { connection: 'close', ...redirect }).end('outside');
    });
    inside.on('connection', () => reached.push(INSIDE));
    outside.on('connection', () => reached.push(PUBLIC));
    inside.listen(0, INSIDE);
    await once(inside, 'listening');
    ({ port } = inside.address() as AddressInfo);
    outside.listen(port, PUBLIC);
    await once(outside, 'listening');
    dns = await startDnsServer((name, question) => names[name]?.(question) ?? null);
    sender = makeSender({});
  });
  afterAll(async () => {
    await sender.onApplicationShutdown();
    await Promise.all([new Promise((resolve) => inside.close(resolve)), new Promise((resolve) => outside.close(resolve)), dns.close()]);
  });
  beforeEach(() => {
    reached = [];
    names = {};
  });

  function makeSender({ allowHttp = true, networks = [`${PUBLIC}/32`] }, proxy?: string): Sender {
    const values = new Map<unknown, unknown>([
      [WebhookSettings.allowHttp, allowHttp],
      [WebhookSettings.allowedNetworks, networks],
    ]);
    const settings = { get: <T>(setting: Setting<T>) => values.get(setting) as T, onChange: () => undefined };
    const environment = Object.assign(new Environment(), { WEBHOOK_DNS_SERVERS: dns.address, WEBHOOK_PROXY_URL: proxy });
    return new Sender(settings as unknown as SettingsService, new HostResolver(environment), environment);
  }
  const send = (url: string, by = sender) => by.send(url, { 'content-type': 'application/json' }, '{}');

  it.each(LITERALS)('does not go to http://%s', async (host) => {
    const { status, error } = await send(`http://${host}:${port}/`);
    expect([status, reached]).toEqual([null, []]);
    expect(['address-not-allowed', 'malformed-url']).toContain(error);
  });

  it.each(RESOLVED)('does not go to a name with the addresses %j, %j', async (...addresses) => {
    names['evil.example'] = () => addresses.filter(Boolean);
    expect(await send(`http://evil.example:${port}/`)).toMatchObject({ status: null, error: 'address-not-allowed', answer: '' });
    expect(reached).toEqual([]);
  });

  it('goes to a name whose every address is allowed', async () => {
    names['good.example'] = () => [PUBLIC];
    expect(await send(`http://good.example:${port}/`)).toMatchObject({ status: 200, error: null, answer: 'outside' });
    expect(reached).toEqual([PUBLIC]);
  });

  it('goes to the address that was checked, though the name has another one at each question', async () => {
    // A and AAAA are two questions for one attempt; the name leads inside from the next attempt on.
    names['rebind.example'] = (question) => (question - before <= 2 ? [PUBLIC] : [INSIDE]);
    const before = dns.questions.length;
    expect(await send(`http://rebind.example:${port}/`)).toMatchObject({ status: 200, answer: 'outside' });
    expect(await send(`http://rebind.example:${port}/`)).toMatchObject({ status: null, error: 'address-not-allowed' });
    expect(dns.questions.length - before).toBe(4);
    expect(reached).toEqual([PUBLIC]);
  });

  it('follows no redirect', async () => {
    expect(await send(`http://${PUBLIC}:${port}/redirect`)).toMatchObject({ status: 307, error: null });
    expect(reached).toEqual([PUBLIC]);
  });

  it('goes nowhere when the name has no address', async () => {
    expect(await send(`http://nowhere.example:${port}/`)).toMatchObject({ status: null, error: 'name-not-resolved' });
    names['empty.example'] = () => [];
    expect(await send(`http://empty.example:${port}/`)).toMatchObject({ status: null, error: 'name-not-resolved' });
  });

  it('goes nowhere without TLS unless the operator allows it', async () => {
    const strict = makeSender({ allowHttp: false });
    expect(await send(`http://${PUBLIC}:${port}/`, strict)).toMatchObject({ status: null, error: 'https-required' });
    expect(reached).toEqual([]);
    await strict.onApplicationShutdown();
  });

  it('goes nowhere when what is allowed cannot be read', async () => {
    const broken = makeSender({ networks: ['nonsense', '127.0.0.2/99', '/8'] });
    expect(await send(`http://${PUBLIC}:${port}/`, broken)).toMatchObject({ status: null, error: 'address-not-allowed' });
    await broken.onApplicationShutdown();
  });

  describe('through a proxy', () => {
    let proxy: Server;
    let asked: { target: string; authorization: string | undefined }[];
    let through: Sender;
    beforeAll(async () => {
      proxy = createServer();
      proxy.on('connect', (request, client) => {
        asked.push({ target: request.url ?? '', authorization: request.headers['proxy-authorization'] });
        if (asked.length > 1) return void client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
        const [host, to] = (request.url ?? '').split(':');
        const upstream = connect(Number(to), host, () => {
          client.write('HTTP/1.1 200 OK\r\n\r\n');
          upstream.pipe(client).pipe(upstream);
        });
        upstream.on('error', () => client.destroy());
        client.on('error', () => upstream.destroy());
      });
      proxy.listen(0, '127.0.0.1');
      await once(proxy, 'listening');
      through = makeSender({}, `http://us%40er:pass@127.0.0.1:${(proxy.address() as AddressInfo).port}`);
    });
    afterAll(async () => {
      await through.onApplicationShutdown();
      await new Promise((resolve) => proxy.close(resolve));
    });
    beforeEach(() => (asked = []));

    it('goes to the address that was checked, and not by its name', async () => {
      names['good.example'] = () => [PUBLIC];
      expect(await send(`http://good.example:${port}/`, through)).toMatchObject({ status: 200, answer: 'outside' });
      expect(asked).toEqual([{ target: `${PUBLIC}:${port}`, authorization: `Basic ${Buffer.from('us@er:pass').toString('base64')}` }]);
    });

    it.each(['evil.example', INSIDE, '[::ffff:127.0.0.1]'])('does not ask for %s', async (host) => {
      names['evil.example'] = () => [PUBLIC, INSIDE];
      expect(await send(`http://${host}:${port}/`, through)).toMatchObject({ status: null, error: 'address-not-allowed' });
      expect(asked).toEqual([]);
    });

    it('does not hold against the endpoint that the proxy refuses', async () => {
      names['other.example'] = () => [PUBLIC];
      asked.push({ target: 'earlier', authorization: undefined });
      expect(await send(`http://other.example:${port}/`, through)).toMatchObject({ status: null, error: 'proxy-failed' });
      expect(reached).toEqual([]);
    });
  });
});
