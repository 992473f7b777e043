import { Injectable } from '@nestjs/common';
import { Resolver } from 'node:dns/promises';
import { Environment } from '../config/environment';
import { StartupError } from '../config/startup-error';
import { isLocalName } from './endpoint-url';

const TIMEOUT_MS = 1_500;
const TRIES = 2;

/** A name without an address. */
export class NameNotResolved extends Error {
  readonly code = 'name-not-resolved';
}

/**
 * Addresses of names, by DNS and nothing else: no thread is held while a server does not answer, which `lookup` of the operating
 * system would do, and password hashing waits for the same threads.
 */
@Injectable()
export class HostResolver {
  private readonly resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });

  /** @throws StartupError for servers that are no addresses */
  constructor({ WEBHOOK_DNS_SERVERS: servers }: Environment) {
    try {
      if (servers !== undefined) this.resolver.setServers(servers.split(',').map((server) => server.trim()));
    } catch {
      throw new StartupError('The environment is not usable: WEBHOOK_DNS_SERVERS must be a list of addresses, each with a port or without.');
    }
  }

  /** Every address of the name, IPv4 first. @throws NameNotResolved when there is none */
  async addresses(name: string): Promise<string[]> {
    if (isLocalName(name)) return ['127.0.0.1', '::1'];
    const bare = name.replace(/\.$/, '');
    const answers = await Promise.allSettled([this.resolver.resolve4(bare), this.resolver.resolve6(bare)]);
    const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    if (addresses.length === 0) throw new NameNotResolved(`${name} has no address`);
    return addresses;
  }
}
