/** Ends a statement on the server; the client gives up a little later, when not even that answer came. */
export const STATEMENT_TIMEOUT_MS = 10_000;
const LOCK_TIMEOUT_MS = 5_000;
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 15_000;

/** Settings of PostgreSQL by name; null: left as the server, the role or the database has it. */
export type SessionSettings = Readonly<Record<string, string | number | null>>;

/**
 * All that the meaning of our statements depends on, and every limit that could end a session of ours. What a role,
 * a database or the URL sets instead does not count: options of the start-up packet come before both.
 */
const PINNED: SessionSettings = {
  // What instants, dates and intervals look like and how they are read.
  TimeZone: 'UTC',
  DateStyle: 'ISO,YMD',
  IntervalStyle: 'postgres',
  timezone_abbreviations: 'Default',
  // What a transaction sees, and whether it may write. A read-only server is found out by its configuration: see server-probe.ts.
  default_transaction_isolation: 'read committed',
  default_transaction_read_only: 'off',
  default_transaction_deferrable: 'off',
  // How literals, numbers and bytes are written and read.
  standard_conforming_strings: 'on',
  backslash_quote: 'safe_encoding',
  transform_null_equals: 'off',
  array_nulls: 'on',
  bytea_output: 'hex',
  extra_float_digits: 1,
  lc_monetary: 'C',
  lc_numeric: 'C',
  lc_time: 'C',
  // Which rows are seen.
  row_security: 'on',
  gin_fuzzy_search_limit: 0,
  // What was acknowledged is on the disk, and on the synchronous standby where there is one.
  synchronous_commit: 'on',
  // A lock that is not had in time, or a transaction left open, ends in an error and a rollback; an idle session is ours to end.
  statement_timeout: STATEMENT_TIMEOUT_MS,
  lock_timeout: LOCK_TIMEOUT_MS,
  idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
  idle_session_timeout: 0,
};

/**
 * Of the pins those that do not fit into a transaction: they belong to the session, are set in another way (see `transactionPins`), or
 * are read from a file each time, to read abbreviations of zones that no statement of ours has.
 */
const OF_THE_SESSION = ['default_transaction_isolation', 'default_transaction_read_only', 'default_transaction_deferrable', 'idle_session_timeout'];
const NOT_PINNED_BEHIND_A_POOLER = new Set([...OF_THE_SESSION, 'timezone_abbreviations']);

/** Whether a session began with our options shows by this: a pooler may refuse options, or drop them in silence. */
export const MARKER = 'quotidian.session';

/** Plans of prepared statements that were made while the tables were small stay right when they have grown. */
export const STABLE_PLANS: SessionSettings = { plan_cache_mode: 'force_generic_plan', enable_seqscan: 'off', jit: 'off' };

/**
 * The command-line options of a session: the URL's first, then ours, of which the last one counts.
 *
 * @param schema where our tables are: nothing else is on the path, so that nobody's table or function stands in for ours;
 *   null: not known yet
 */
export function sessionOptions(urlOptions: string, schema: string | null, settings: SessionSettings = {}): string {
  const ours = Object.entries({ ...PINNED, ...pathOf(schema), ...settings, [MARKER]: 'pinned' })
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `-c ${name}=${escaped(String(value))}`);
  return [urlOptions, ...ours].filter(Boolean).join(' ');
}

/** The same, as settings of one transaction: behind a pooler each transaction may have another session, which others use too. */
export function transactionPins(urlOptions: string, schema: string | null, settings: SessionSettings = {}): SessionSettings {
  const all: SessionSettings = { ...settingsIn(urlOptions), ...PINNED, ...pathOf(schema), ...settings };
  return Object.fromEntries(Object.entries(all).filter(([name, value]) => value !== null && !NOT_PINNED_BEHIND_A_POOLER.has(name)));
}

/** What command-line options of PostgreSQL set: `-c name=value`, `-cname=value`, `--name=value`. */
export function settingsIn(options: string): SessionSettings {
  const parts = (options.match(/(?:\\.|[^\s\\])+/gs) ?? []).map((part) => part.replace(/\\(.)/gs, '$1'));
  const settings: Record<string, string> = {};
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] === '-c' ? parts[++i] : parts[i]?.replace(/^-c|^--/, '');
    const [, name, value] = /^([\w.-]+)=(.*)$/s.exec(part ?? '') ?? [];
    if (name !== undefined && value !== undefined) settings[name.replaceAll('-', '_')] = value;
  }
  return settings;
}

function pathOf(schema: string | null): SessionSettings {
  return schema === null ? {} : { search_path: `${quoted(schema)},pg_temp` };
}

/** Where names are looked up by who goes by a test clock: in our schema even before the catalogue, whose now() is another one there. */
export function clockedPath(schema: string): SessionSettings {
  return { search_path: `${quoted(schema)},pg_catalog,pg_temp` };
}

function quoted(schema: string): string {
  return `"${schema.replaceAll('"', '""')}"`;
}

/** PostgreSQL splits the options at spaces, except behind a backslash. */
function escaped(value: string): string {
  return value.replace(/[\\\s]/g, '\\$&');
}
