import { readEnvironment } from '../config/environment.module';

/** The database that the environment names, as people are shown it: its name and its servers, no login. @throws StartupError */
export async function placeOfDatabase(): Promise<string> {
  const [{ environment }, { parseConnectionUrl }, { nameOf }] = await Promise.all([
    readEnvironment(),
    import('../database/connection-url.js'),
    import('../database/server-probe.js'),
  ]);
  if (environment.embedded) return `the embedded database below ${environment.DATA_DIR}`;
  const { servers, login } = parseConnectionUrl(environment.DATABASE_URL ?? '');
  return `${login.database ?? 'its database'} at ${servers.map(nameOf).join(', ')}`;
}
