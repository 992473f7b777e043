import { type LookupAddress } from 'node:dns';
import { isIP, isIPv4, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { type AddressPolicy } from './addresses';
import { bareHost } from './endpoint-url';
import { type HostResolver } from './host-resolver';
import { type Tunnel } from './proxy-tunnel';

/** From the question for the name to the end of the TLS handshake. */
export const CONNECT_TIMEOUT_MS = 5_000;

/** The URL's host is, or has among its addresses, one that deliveries must not go to. */
export class AddressRefused extends Error {
  readonly code = 'address-not-allowed';
}

export interface ConnectorOptions {
  resolver: Pick<HostResolver, 'addresses'>;
  /** As the settings have it at this moment. */
  policy: () => AddressPolicy;
  /** The way through the operator's proxy; null: directly. */
  tunnel: Tunnel | null;
}

/**
 * Connects to addresses that were checked, and to no others: a name is resolved once, each of its addresses must be allowed, and
 * the connection goes to one of exactly these. Literal addresses, for which no lookup happens, are checked as well.
 */
export function pinnedConnector({ resolver, policy, tunnel }: ConnectorOptions): buildConnector.connector {
  const addressesOf = async (hostname: string): Promise<[string, ...string[]]> => {
    const host = bareHost({ hostname });
    const addresses = isIP(host) === 0 ? await resolver.addresses(host) : [host];
    const [first, ...others] = addresses;
    if (first === undefined || !addresses.every((address) => policy().allows(address))) throw new AddressRefused(`${host} is not allowed`);
    return [first, ...others];
  };
  const lookup: LookupFunction = (hostname, { all }, callback) => {
    addressesOf(hostname).then(
      (addresses) => {
        const found = addresses.map(asLookedUp);
        if (all) callback(null, found);
        else callback(null, addresses[0], found[0]?.family);
      },
      (error: Error) => callback(error, ''),
    );
  };
  const direct = buildConnector({ timeout: CONNECT_TIMEOUT_MS, lookup, autoSelectFamily: true });
  return (options, callback) => {
    if (tunnel !== null) {
      addressesOf(options.hostname).then(
        ([address]) => tunnel(address, options, callback),
        (error: Error) => callback(error, null),
      );
      return;
    }
    const host = bareHost(options);
    if (isIP(host) !== 0 && !policy().allows(host)) return callback(new AddressRefused(`${host} is not allowed`), null);
    direct(options, (...[error, socket]) => {
      if (error !== null) return callback(error, null);
      // The other end itself, once more: whatever the way there was.
      if (policy().allows(socket.remoteAddress ?? '')) return callback(null, socket);
      socket.destroy();
      callback(new AddressRefused(`${host} is not allowed`), null);
    });
  };
}

function asLookedUp(address: string): LookupAddress {
  return { address, family: isIPv4(address) ? 4 : 6 };
}
