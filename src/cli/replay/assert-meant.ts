import { readEnvironment } from '../../config/environment.module';
import { StartupError } from '../../config/startup-error';
import { parseConnectionUrl } from '../../database/connection-url';
import { nameOf } from '../../database/server-probe';

/** Accounts are easily made and hard to be rid of. @throws StartupError that names the database */
export async function assertMeant(accounts: number, isMeant = false): Promise<void> {
  const { environment } = await readEnvironment();
  if (environment.NODE_ENV !== 'production' || isMeant) return;
  const { servers, login } = parseConnectionUrl(environment.DATABASE_URL ?? 'postgres://localhost');
  const place = `${login.database ?? 'its database'} at ${servers.map(nameOf).join(', ')}`;
  throw new StartupError(`This makes up to ${accounts} accounts in ${place}, in production. Add --yes if that is meant.`);
}
