import { Client } from 'pg';
import { StartupError } from '../common/startup-error';
import { type ConnectionUrl } from './connection-url';
import { sessionOptions } from './session';

const OLDEST_MAJOR = 15;
const CONNECT_TIMEOUT_MS = 5_000;

/** Tables that stand beside each other wherever we were installed. */
const OURS = ['migrations', 'users', 'requests', 'job_runs'];

/** The role's, the database's or the URL's own path, before anything is read by an unqualified name. */
const PATH = `SELECT pg_catalog.current_schemas(false)::pg_catalog.text[] AS path, pg_catalog.set_config('search_path', 'pg_catalog', false)`;

/**
 * Where our tables are: in the first schema on the path that holds all of them. If none does, in the one schema of the
 * database that does and that this role may use, unless the URL itself named the path ($4). If there is none, they will be
 * made in the first on the path.
 */
const SCHEMA = `
  WITH path AS (SELECT name, place FROM unnest($1::text[]) WITH ORDINALITY AS s (name, place) WHERE name <> 'pg_catalog'),
  installed AS (
    SELECT n.nspname::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.relname = ANY ($2::name[]) AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
    GROUP BY n.nspname HAVING count(*) = $3::bigint
  )
  SELECT current_setting('server_version_num')::integer AS version, coalesce(
    (SELECT name FROM path JOIN installed USING (name) ORDER BY place LIMIT 1),
    CASE WHEN (SELECT count(*) FROM installed) = 1 AND NOT $4::boolean THEN (SELECT name FROM installed) END,
    (SELECT name FROM path ORDER BY place LIMIT 1),
    'public') AS schema`;

export interface ServerFacts {
  /** The schema that holds our tables, or will. */
  schema: string;
}

/** @throws StartupError when the server cannot be reached, refuses us, or is too old; never with the URL's password. */
export async function inspectServer({ login, servers: [server], options }: ConnectionUrl): Promise<ServerFacts> {
  const session = { options: sessionOptions(options, null), client_encoding: 'UTF8', connectionTimeoutMillis: CONNECT_TIMEOUT_MS };
  const client = new Client({ ...login, ...server, ...session });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { path } = (await client.query<{ path: string[] }>(PATH)).rows[0] ?? { path: [] };
    const named = options.includes('search_path');
    const { rows } = await client.query<{ version: number; schema: string }>(SCHEMA, [path, OURS, OURS.length, named]);
    const { version, schema } = rows[0] ?? { version: 0, schema: 'public' };
    const major = Math.floor(version / 10_000);
    if (major < OLDEST_MAJOR) throw new StartupError(`PostgreSQL ${major} is too old: ${OLDEST_MAJOR} or newer is needed.`);
    return { schema };
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
