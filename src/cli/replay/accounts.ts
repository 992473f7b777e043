import { type INestApplicationContext } from '@nestjs/common';
import { createHash, randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import { ApiKeysService } from '../../api-keys/api-keys.service';
import { UsersRepository } from '../../users/users.repository';
import { UsersService } from '../../users/users.service';
import { COMMAND } from '../with-app';

const DOMAIN = 'replay.quotidian.local';
/** Longer than any replay takes. */
const KEY_LIFETIME_MS = 24 * 3_600_000;

/** An account for each client of an access log, by name: the same client is the same user in every replay. Returns their ids. */
export async function ensureClients(app: INestApplicationContext, clients: string[], dailyQuota: number): Promise<Map<string, number>> {
  const ids = await app.get(UsersRepository).ensureMany(clients.map(emailOf), dailyQuota);
  const byEmail = new Map(ids.map(({ email, id }) => [email, id]));
  return new Map(clients.map((client) => [client, byEmail.get(emailOf(client)) as number]));
}

/** A key that charges for any user, of an account that lives as long as the replay. Should the process be killed, the key ends by itself. */
export async function openServiceKey(app: INestApplicationContext): Promise<{ key: string; remove: () => Promise<void> }> {
  const users = app.get(UsersService);
  const { id } = await users.create(COMMAND, { email: `${randomUUID()}@${DOMAIN}`, password: randomUUID() });
  const remove = () => users.delete(COMMAND, id);
  try {
    const expiresAt = new Date(Date.now() + KEY_LIFETIME_MS).toISOString();
    const { key } = await app.get(ApiKeysService).create(COMMAND, true, id, { name: 'replay', scopes: ['service', 'requests:write', 'quota:read'], expiresAt });
    return { key, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Addresses and plain names are distinguished by themselves, the colons of IPv6 aside, which mail addresses do not have. What else a log may hold is distinguished by its digest. */
export function emailOf(client: string): string {
  if (isIP(client) !== 0) return `${client.replaceAll(':', '_')}@${DOMAIN}`;
  if (/^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(client) && client.length <= 64) return `${client}@${DOMAIN}`;
  const digest = createHash('sha256').update(client).digest('hex').slice(0, 24);
  return `${client.replaceAll(/[^a-z0-9-]/g, '_').slice(0, 32)}_${digest}@${DOMAIN}`;
}
