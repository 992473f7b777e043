import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { isIPv4, isIPv6 } from 'node:net';

/** The longest text that can be an address: IPv6 with an embedded IPv4 address, a zone, brackets and a port. */
const MAX_CHARS = 90;
const IPV4_MAPPED = [0, 0, 0, 0, 0, 0xffff];
/** NAT64 (RFC 6052): without this, all clients of such a network were one. */
const NAT64 = [0x64, 0xff9b, 0, 0, 0, 0];

/**
 * The address in what a socket or a proxy gives as one: without brackets, port, zone and quotes, IPv4 out of its IPv6 wrappings,
 * IPv6 written out in full. Null for anything else.
 */
export function addressIn(text: string): string | null {
  if (text.length > MAX_CHARS) return null;
  const bare = text.trim().replace(/^"(.*)"$/, '$1');
  const [, inBrackets] = /^\[([^[\]]*)\](?::\d{0,5})?$/.exec(bare) ?? [];
  const address = (inBrackets ?? bare.replace(/^(\d+\.\d+\.\d+\.\d+):\d{0,5}$/, '$1')).replace(/%[\w.-]*$/, '');
  if (isIPv4(address)) return address;
  if (!isIPv6(address)) return null;
  const groups = groupsOf(address);
  if (begins(groups, IPV4_MAPPED) || begins(groups, NAT64)) return dotted(groups.slice(6));
  return groups.map((group) => group.toString(16)).join(':');
}

/** Whoever holds one address holds its network: of IPv6 the /64, which a single host is given. Null for what is no address. */
export function networkOf(text: string): string | null {
  const address = addressIn(text);
  return address === null || isIPv4(address) ? address : `${address.split(':').slice(0, 4).join(':')}::/64`;
}

/**
 * The network that a request came from: as reported by the farthest proxy that is trusted (`TRUST_PROXY`), and when what it reports is no address,
 * that proxy's own. So what a client makes up never counts as another client.
 */
export function networkOfRequest({ ips, ip }: Pick<FastifyRequest, 'ips' | 'ip'>): string {
  for (const text of [...(ips ?? [ip])].reverse()) {
    const network = networkOf(text);
    if (network !== null) return network;
  }
  return 'unknown';
}

/** The address itself, by the same rule; null: nobody reported one. */
export function addressOfRequest({ ips, ip }: Pick<FastifyRequest, 'ips' | 'ip'>): string | null {
  for (const text of [...(ips ?? [ip])].reverse()) {
    const address = addressIn(text);
    if (address !== null) return address;
  }
  return null;
}

export const ClientNetwork = createParamDecorator((_: unknown, context: ExecutionContext): string => {
  return networkOfRequest(context.switchToHttp().getRequest<FastifyRequest>());
});

function groupsOf(address: string): number[] {
  const [head = [], tail] = address.split('::').map((half) => half.split(':').filter(Boolean).flatMap(groupOf));
  if (tail === undefined) return head;
  return [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

function groupOf(text: string): number[] {
  if (!text.includes('.')) return [parseInt(text, 16)];
  const [a, b, c, d] = text.split('.').map(Number) as [number, number, number, number];
  return [a * 256 + b, c * 256 + d];
}

function dotted(groups: number[]): string {
  return groups.flatMap((group) => [group >> 8, group & 255]).join('.');
}

function begins(groups: number[], prefix: number[]): boolean {
  return prefix.every((group, i) => groups[i] === group);
}
