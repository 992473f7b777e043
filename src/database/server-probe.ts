import { Client } from 'pg';
import { setTimeout as delay } from 'node:timers/promises';
import { type ConnectionUrl, type ServerAddress } from './connection-url';
import { MARKER, sessionOptions, settingsIn } from './session';

/** Tables that stand beside each other wherever we were installed. */
const OURS = ['migrations', 'users', 'requests', 'job_runs'];

/**
 * The role's, the database's or the URL's own path ($1, where a pooler does not take it), before anything is read by an unqualified name.
 * For this transaction: behind a pooler the session is others' too. It is one where options do not arrive, or answers come from another
 * process than the one that greeted us.
 */
const URL_PATH = `SELECT pg_catalog.set_config('search_path', $1, true)`;
const PATH = `SELECT pg_catalog.current_schemas(false)::pg_catalog.text[] AS path, pg_catalog.pg_backend_pid() AS pid,
  pg_catalog.current_setting('${MARKER}', true) AS marker, (SELECT oid::pg_catalog.text FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) AS database,
  ARRAY(SELECT nspname::pg_catalog.text FROM pg_catalog.pg_namespace WHERE pg_catalog.has_schema_privilege(oid, 'USAGE')) AS schemas, pg_catalog.set_config('search_path', 'pg_catalog', true)`;

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
  SELECT coalesce(
    (SELECT name FROM path JOIN installed USING (name) ORDER BY place LIMIT 1),
    CASE WHEN (SELECT count(*) FROM installed) = 1 AND NOT $4::boolean THEN (SELECT name FROM installed) END,
    (SELECT name FROM path ORDER BY place LIMIT 1),
    'public') AS schema`;

/**
 * Who the server is and whether it takes writes. A read-only default counts where the server's own configuration sets it,
 * which is how an operator fences a server; what a role or a database sets is overridden like the rest of a session.
 * The timeline is one higher after each promotion, so the newest of several writable servers is known by it.
 */
const stateQuery = (timeline: string, system: string) => `
  SELECT current_setting('server_version_num')::integer AS version, pg_is_in_recovery() AS standby,
    (SELECT setting = 'on' AND source IN ('configuration file', 'command line', 'environment variable')
     FROM pg_settings WHERE name = 'default_transaction_read_only') AS fenced,
    ${timeline} AS timeline, ${system} AS system, extract(epoch FROM pg_postmaster_start_time())::text AS "startedAt"`;

const STATE = stateQuery(
  `CASE WHEN pg_is_in_recovery() THEN 0 ELSE ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::integer END`,
  '(SELECT system_identifier::text FROM pg_control_system())',
);
/** For servers that keep these two from us, as some hosted ones do: the start alone distinguishes one from another. */
const STATE_WITHOUT_SYSTEM = stateQuery('0', `''`);
/** A pooler's answer to a start-up parameter that it does not pass on. */
const REFUSES_OPTIONS = /unsupported startup parameter/;
const BEGIN = 'BEGIN READ ONLY; SET LOCAL statement_timeout = 0';
/** Not allowed, not supported, or not there. */
const WITHHELD = /^(42501|0A000|42883|55000)$/;

interface Whereabouts {
  path: string[];
  pid: number;
  marker: string | null;
  /** One database of the server. */
  database: string;
  /** Those that this role may use. */
  schemas: string[];
}

export interface ServerState {
  version: number;
  standby: boolean;
  fenced: boolean;
  /** 0 on a standby. */
  timeline: number;
  /** The same on a primary and its standbys. */
  system: string;
  /** Another after each start of the server. */
  startedAt: string;
}

export interface ObservedServer extends ServerState {
  address: ServerAddress;
  /** The statement that reads its state. */
  stateQuery: string;
  /** The schema that holds our tables, or will. */
  schema: string;
  /** Whether the way there leads through a pooler. */
  pooled: boolean;
  /** Whether a session begins with the options that we ask for. */
  acceptsOptions: boolean;
  database: string;
  schemas: string[];
}

/** Why the server cannot serve; null: it takes writes. */
export function refusalOf({ standby, fenced }: ServerState): string | null {
  return standby ? 'it is a standby (in recovery)' : fenced ? 'it is read-only (default_transaction_read_only in its configuration)' : null;
}

/** One incarnation of one server: another after a restart, on another machine, and behind a name that now leads elsewhere. */
export function identityOf({ system, startedAt }: ServerState): string {
  return `${system} ${startedAt}`;
}

export function nameOf({ host = 'localhost', port = 5432 }: ServerAddress): string {
  return `${host}:${port}`;
}

/** A connection to look at a server with, whatever it is: nothing of its read-only state is overridden. */
export function observer({ login, options, password }: ConnectionUrl, address: ServerAddress, timeoutMs: number, pooled: boolean): Client {
  const client = new Client({
    ...login,
    ...address,
    password: () => Promise.resolve(password(address) as string),
    application_name: 'quotidian watch',
    client_encoding: 'UTF8',
    options: pooled ? undefined : sessionOptions(options, null, { default_transaction_read_only: null }),
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    keepAlive: true,
  });
  client.on('error', () => undefined);
  return client;
}

/** Cuts the connection: `end()` would wait for an answer that a silent server never gives. */
export function cut(client: Client): void {
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}

/** Looks at a server, and gives up after the time. @throws the error of the server or of the socket */
export async function probe(url: ConnectionUrl, address: ServerAddress, timeoutMs: number): Promise<ObservedServer> {
  return probeThrough(url, address, timeoutMs, false).catch((error: Error) => {
    if (!REFUSES_OPTIONS.test(error.message)) throw error;
    return probeThrough(url, address, timeoutMs, true);
  });
}

async function probeThrough(url: ConnectionUrl, address: ServerAddress, timeoutMs: number, pooled: boolean): Promise<ObservedServer> {
  const client = observer(url, address, timeoutMs, pooled);
  const look = async (): Promise<ObservedServer> => {
    await client.connect();
    return lookBy(client, url, STATE, address).catch(async (error: Error & { code?: string }) => {
      if (!WITHHELD.test(error.code ?? '')) throw error;
      await client.query('ROLLBACK');
      return lookBy(client, url, STATE_WITHOUT_SYSTEM, address);
    });
  };
  try {
    return await Promise.race([look(), timeout(timeoutMs)]);
  } finally {
    cut(client);
  }
}

/** Asks a server who it is, whatever others have set in the session that a pooler gave us. */
export async function stateOf(client: Client, stateQuery: string): Promise<ServerState> {
  const results = (await client.query(`${BEGIN}; ${stateQuery}; COMMIT`)) as unknown as { command: string; rows: ServerState[] }[];
  return results.find(({ command }) => command === 'SELECT')?.rows[0] as ServerState;
}

/** In one transaction, so that a pooler has one session for all of it. */
async function lookBy(client: Client, url: ConnectionUrl, stateQuery: string, address: ServerAddress): Promise<ObservedServer> {
  await client.query(BEGIN);
  const named = settingsIn(url.options).search_path;
  if (named !== undefined) await client.query(URL_PATH, [named]);
  const [seen] = (await client.query<Whereabouts>(PATH)).rows as [Whereabouts];
  const [state] = (await client.query<ServerState>(stateQuery)).rows as [ServerState];
  const { rows } = await client.query<{ schema: string }>(SCHEMA, [seen.path, OURS, OURS.length, named !== undefined]);
  await client.query('COMMIT');
  const greeted = (client as unknown as { processID: number | null }).processID;
  const acceptsOptions = seen.marker !== null;
  const { database, schemas } = seen;
  return {
    ...state,
    address,
    stateQuery,
    database,
    schemas,
    acceptsOptions,
    pooled: !acceptsOptions || greeted !== seen.pid,
    schema: rows[0]?.schema ?? 'public',
  };
}

async function timeout(timeoutMs: number): Promise<never> {
  await delay(timeoutMs, undefined, { ref: false });
  throw new Error(`no answer within ${timeoutMs} ms`);
}
