import { createHash } from 'node:crypto';

const ADDRESSES = ['email', 'pendingEmail'];

/**
 * An account, or members of one, as the audit log keeps it. The log outlives accounts and is never changed, so it has digests of their addresses: that one
 * was changed is there, and which one can be asked by who knows it.
 */
export function audited(user: object): object {
  return Object.fromEntries(
    Object.entries(user).map(([name, value]: [string, unknown]) => [name, ADDRESSES.includes(name) && typeof value === 'string' ? digestOf(value) : value]),
  );
}

function digestOf(address: string): string {
  return `sha256:${createHash('sha256').update(address.toLowerCase()).digest('hex')}`;
}
