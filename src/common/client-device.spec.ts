import { type ClientDevice, deviceHash, UNKNOWN_DEVICE } from './client-device';

const BROWSER: ClientDevice = { address: '192.0.2.7', userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' };
const same = (one: ClientDevice, other: ClientDevice) => deviceHash(one).equals(deviceHash(other));

describe('a device', () => {
  it('is known again after an update, and at another address of its network', () => {
    expect(same(BROWSER, { address: '192.0.200.9', userAgent: BROWSER.userAgent?.replaceAll('140', '141') ?? null })).toBe(true);
    expect(same({ ...BROWSER, address: '2001:db8:1:2:0:0:0:1' }, { ...BROWSER, address: '2001:db8:ffff:2:0:0:0:9' })).toBe(true);
    expect(same(UNKNOWN_DEVICE, { address: null, userAgent: null })).toBe(true);
  });

  it('is another one with another program, or elsewhere', () => {
    expect(same(BROWSER, { ...BROWSER, userAgent: 'curl/8.1' })).toBe(false);
    expect(same(BROWSER, { ...BROWSER, address: '198.51.100.7' })).toBe(false);
    expect(same(BROWSER, { ...BROWSER, address: '2001:db8:1:2:0:0:0:1' })).toBe(false);
  });
});
