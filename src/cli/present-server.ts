import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Environment } from '../config/environment';
import { StartupError } from '../config/startup-error';
import { reachableFolder } from '../database/embedded/data-folder';
import { EmbeddedPostgres } from '../database/embedded/embedded-postgres';
import { serverAccount } from '../database/embedded/server-account';

/**
 * Refuses to go on where a command would make an empty database: in a shell without the service's variables it would look at that one, and
 * report that all is well.
 *
 * @throws StartupError
 */
export async function assertDatabase({ embedded, DATA_DIR }: Environment): Promise<void> {
  if (!embedded || (existsSync(DATA_DIR) && existsSync(join(await reachableFolder(DATA_DIR, serverAccount()), 'PG_VERSION')))) return;
  throw new StartupError(
    `DATABASE_URL is not set, and there is no embedded database below ${DATA_DIR}. Give the command the variables of the service; \`quotidian migrate\` or \`serve\` makes a new one.`,
  );
}

/** The embedded server that is there already; null where DATABASE_URL names another. @throws StartupError */
export async function presentServer(environment: Environment): Promise<EmbeddedPostgres | null> {
  await assertDatabase(environment);
  const { embedded, DATA_DIR, EMBEDDED_PG_BIN_DIR } = environment;
  return embedded ? EmbeddedPostgres.start({ dataDir: DATA_DIR, binDir: EMBEDDED_PG_BIN_DIR }) : null;
}
