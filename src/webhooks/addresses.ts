import { BlockList, isIPv4 } from 'node:net';
import { addressIn } from '../common/network-address';
import { isNetwork } from '../common/networks';

/** What is no host of the public Internet: the special-purpose registries of IANA (RFC 6890), and addresses of clouds' own services. */
const NOT_PUBLIC_V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '168.63.129.16/32',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];

/** Of IPv6 only this is given to hosts; loopback, link-local, unique-local, multicast and all translations are outside. */
const GLOBAL_V6 = ['2000::/3'];
/** Parts of it that are not: Teredo and other protocols, documentation, 6to4, AS112. */
const NOT_PUBLIC_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20'];

const [notPublic, globalV6] = [listOf([...NOT_PUBLIC_V4, ...NOT_PUBLIC_V6]), listOf(GLOBAL_V6)];

/**
 * Which addresses deliveries may go to: those of the public Internet, and the operator's own networks that are allowed. An IPv4
 * address in an IPv6 one (mapped, NAT64) counts as what it leads to.
 */
export class AddressPolicy {
  private readonly allowed: BlockList;

  /** @param networks CIDRs that are allowed beside the public ones; what is no CIDR allows nothing */
  constructor(networks: readonly string[]) {
    this.allowed = listOf(networks.filter(isNetwork));
  }

  /** Whether it is an address, and one that may be connected to. */
  allows(text: string): boolean {
    const address = addressIn(text);
    return address !== null && (isIn(this.allowed, address) || isPublic(address));
  }
}

function isPublic(address: string): boolean {
  return !isIn(notPublic, address) && (isIPv4(address) || isIn(globalV6, address));
}

function isIn(list: BlockList, address: string): boolean {
  return list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', length] = network.split('/');
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    list.addSubnet(address, length === undefined ? (family === 'ipv4' ? 32 : 128) : Number(length), family);
  }
  return list;
}
