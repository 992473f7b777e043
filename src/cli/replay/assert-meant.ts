import { readEnvironment } from '../../config/environment.module';
import { confirm } from '../confirm';
import { placeOfDatabase } from '../place-of-database';

/** Accounts are easily made and hard to be rid of: in production it asks first. @throws StartupError that names the database */
export async function assertMeant(accounts: number, isMeant = false): Promise<void> {
  const { environment } = await readEnvironment();
  if (environment.NODE_ENV !== 'production') return;
  await confirm(`This makes up to ${accounts} accounts in ${await placeOfDatabase()}, in production.`, isMeant);
}
