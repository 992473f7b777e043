import fc from 'fast-check';
import { addressIn, networkOf, networkOfRequest } from './network-address';

describe('the network of an address', () => {
  it.each([
    ['198.51.100.7', '198.51.100.7'],
    ['198.51.100.7:50001', '198.51.100.7'],
    [' 198.51.100.7 ', '198.51.100.7'],
    ['"198.51.100.7:1"', '198.51.100.7'],
    ['::ffff:198.51.100.7', '198.51.100.7'],
    ['::FFFF:C633:6407', '198.51.100.7'],
    ['[::ffff:198.51.100.7]:443', '198.51.100.7'],
    ['64:ff9b::c633:6407', '198.51.100.7'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:DB8:0:0:ffff:1:2:3', '2001:db8:0:0::/64'],
    ['[2001:db8::1]', '2001:db8:0:0::/64'],
    ['[2001:db8::1]:4711', '2001:db8:0:0::/64'],
    ['"[2001:db8::1]:4711"', '2001:db8:0:0::/64'],
    ['2001:db8:0:1::1', '2001:db8:0:1::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
  ])('of %s is %s', (text, network) => expect(networkOf(text)).toBe(network));

  it.each([
    '',
    'unknown',
    '_hidden',
    '198.51.100',
    '198.51.100.7:x',
    '198.51.100.256',
    '0x7f.1',
    '[2001:db8::1',
    '2001:db8::1]:1',
    ':::',
    '-',
    'a'.repeat(9_999),
  ])('of %j is none', (text) => expect(networkOf(text)).toBeNull());

  it('is one for all addresses of a /64, however they are written and wrapped', () => {
    fc.assert(
      fc.property(fc.ipV6(), fc.ipV6(), fc.nat(65_535), (one, other, port) => {
        const [a, b] = [addressIn(one), addressIn(other)];
        if (a === null || b === null) throw new Error(`an address was not read: ${one} ${other}`);
        expect(networkOf(`[${one}]:${port}`)).toBe(networkOf(one));
        if (!a.includes(':')) return;
        const sibling = [...a.split(':').slice(0, 4), ...(b.includes(':') ? b : a).split(':').slice(4)].join(':');
        expect(networkOf(sibling)).toBe(networkOf(one));
      }),
    );
  });

  it('of a request is that of the farthest trusted proxy that gives an address', () => {
    expect(networkOfRequest({ ip: '::ffff:10.0.0.1', ips: undefined })).toBe('10.0.0.1');
    expect(networkOfRequest({ ip: 'x', ips: ['10.0.0.1', '198.51.100.7:1'] })).toBe('198.51.100.7');
    expect(networkOfRequest({ ip: 'x', ips: ['10.0.0.1', '10.0.0.2:80', 'made up'] })).toBe('10.0.0.2');
    expect(networkOfRequest({ ip: '', ips: [''] })).toBe('unknown');
  });
});
