import { type INestApplicationContext } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { ApiKeysService } from '../../api-keys/api-keys.service';
import { UsersRepository } from '../../users/users.repository';
import { UsersService } from '../../users/users.service';
import { COMMAND } from '../with-app';

const DOMAIN = 'replay.quotidian.local';

/** An account for each client of an access log, by name: the same client is the same user in every replay. Returns their ids. */
export async function ensureClients(app: INestApplicationContext, clients: string[], dailyQuota: number): Promise<Map<string, number>> {
  const addresses = new Map(clients.map((client) => [emailOf(client), client]));
  const ids = await app.get(UsersRepository).ensureMany([...addresses.keys()], dailyQuota);
  return new Map(ids.map(({ email, id }) => [addresses.get(email) as string, id]));
}

/** A key that charges for any user, of an account that lives as long as the replay. */
export async function openServiceKey(app: INestApplicationContext): Promise<{ key: string; remove: () => Promise<void> }> {
  const users = app.get(UsersService);
  const { id } = await users.create(COMMAND, { email: `${randomUUID()}@${DOMAIN}`, password: randomUUID() });
  const { key } = await app.get(ApiKeysService).create(COMMAND, true, id, { name: 'replay', scopes: ['service', 'requests:write', 'quota:read'] });
  return { key, remove: () => users.delete(COMMAND, id) };
}

/** An address as the local part of another: the colons of IPv6 are not allowed there. */
function emailOf(client: string): string {
  return `${client.replace(/[^a-z0-9.-]/g, '_')}@${DOMAIN}`;
}
