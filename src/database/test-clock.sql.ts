import { StartupError } from '../config/startup-error';
import { type Connections, type SessionSpec } from './connections';

const SESSION: SessionSpec = { application: 'quotidian test clock' };
/** The first four bytes of sha256('quotidian test clock'): replicas that start at once install it one after the other. */
const INSTALL_LOCK = 2_703_665_492;

const LOOK = `SELECT to_regclass('test_clock') IS NOT NULL AS installed,
  EXISTS (SELECT FROM users) OR EXISTS (SELECT FROM removed_usage) AS "hasData"`;

/**
 * Sessions that go by the test clock look names up in our schema before the catalogue's, so that every statement and function of ours
 * that calls now() finds these. Sessions of a service without it have the catalogue first, and never see them.
 */
const INSTALL = `
  CREATE TABLE IF NOT EXISTS test_clock (single boolean CONSTRAINT test_clock_pkey PRIMARY KEY DEFAULT true CHECK (single), shift interval NOT NULL DEFAULT '0');
  INSERT INTO test_clock DEFAULT VALUES ON CONFLICT DO NOTHING;
  CREATE OR REPLACE FUNCTION now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT pg_catalog.now() + (SELECT shift FROM test_clock) $$;
  CREATE OR REPLACE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
    AS $$ SELECT pg_catalog.clock_timestamp() + (SELECT shift FROM test_clock) $$;`;

/** Defaults were resolved when their tables were made: those that ask for the time ask the test clock from now on. */
const DEFAULTS = `
  SELECT format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %s', d.adrelid::regclass, a.attname,
    regexp_replace(pg_get_expr(d.adbin, d.adrelid), 'pg_catalog\\.(now|clock_timestamp)\\(\\)', '\\1()', 'g')) AS statement
  FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum JOIN pg_class c ON c.oid = d.adrelid
  WHERE c.relnamespace = current_schema()::regnamespace AND a.attgenerated = '' AND pg_get_expr(d.adbin, d.adrelid) ~ 'pg_catalog\\.(now|clock_timestamp)\\(\\)'`;

/**
 * Gives the database its test clock where the service is started with one, and refuses where the two do not belong together: data
 * that was made by the true time would jump, and so would data of a test clock without it.
 *
 * @throws StartupError
 */
export async function settleTestClock(connections: Connections): Promise<void> {
  const client = connections.client(SESSION);
  await client.connect();
  try {
    // Before the first migration there is nothing to hold together.
    const { rows: tables } = await client.query<{ made: boolean }>(
      `SELECT to_regclass('users') IS NOT NULL AND to_regclass('removed_usage') IS NOT NULL AS made`,
    );
    if (!tables[0]?.made) return;
    const { rows } = await client.query<{ installed: boolean; hasData: boolean }>(LOOK);
    const { installed, hasData } = rows[0] ?? { installed: false, hasData: true };
    if (!connections.testClock && installed)
      throw new StartupError('This database goes by a test clock: start with --test-clock (TEST_CLOCK=true), or use another database.');
    if (!connections.testClock) return;
    if (!installed && hasData) throw new StartupError('--test-clock is refused: this database has data that was made by the true time. Use an empty database.');
    await client.query('BEGIN');
    await client.query('SELECT pg_advisory_xact_lock($1)', [INSTALL_LOCK]);
    await client.query(INSTALL);
    const { rows: defaults } = await client.query<{ statement: string }>(DEFAULTS);
    for (const { statement } of defaults) await client.query(statement);
    await client.query('COMMIT');
  } finally {
    await client.end();
  }
}
