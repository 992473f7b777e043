import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { addressIn } from '../common/network-address';
import { StartupError } from './startup-error';

export type TrustProxy = (address: string, hop: number) => boolean;

/** Whether an address, so far from us, is a proxy of ours. `text`: a hop count, or CIDRs; the address may bear a port. @throws StartupError */
export function trustedProxies(text: string): TrustProxy {
  if (/^\d+$/.test(text)) return (_, hop) => hop < Number(text);
  const list = new BlockList();
  for (const cidr of text.split(',').map((part) => part.trim())) add(list, cidr);
  return (text) => {
    const address = addressIn(text);
    return address !== null && list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
  };
}

function add(list: BlockList, cidr: string): void {
  const [address = '', length, ...rest] = cidr.split('/');
  const family = isIPv4(address) ? 'ipv4' : isIPv6(address) ? 'ipv6' : null;
  const bits = family === 'ipv4' ? 32 : 128;
  const prefix = length === undefined ? bits : /^\d{1,3}$/.test(length) ? Number(length) : NaN;
  if (family === null || rest.length > 0 || !(prefix > 0 && prefix <= bits)) {
    throw new StartupError(`TRUST_PROXY has ${JSON.stringify(cidr)}, which is no CIDR`);
  }
  list.addSubnet(address, prefix, family);
}
