import { Client } from 'pg';
import { StartupError } from '../common/startup-error';
import { CONNECT_TIMEOUT_MS } from './data-source-options';

const OLDEST_MAJOR = 15;

/** @throws StartupError when the server cannot be reached, refuses us, or is too old; never with the URL's password. */
export async function assertUsable(url: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ major: number }>(`SELECT current_setting('server_version_num')::int / 10000 AS major`);
    const major = rows[0]?.major ?? 0;
    if (major < OLDEST_MAJOR) throw new StartupError(`PostgreSQL ${major} is too old: ${OLDEST_MAJOR} or newer is needed.`);
  } catch (error) {
    if (error instanceof StartupError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new StartupError(
      `PostgreSQL at ${client.host}:${client.port} cannot be used (${code ?? message}${code && message ? `: ${message}` : ''}). ` +
        'Check that it runs and that DATABASE_URL is right, or unset DATABASE_URL to use the embedded one.',
    );
  } finally {
    await client.end().catch(() => undefined);
  }
}
