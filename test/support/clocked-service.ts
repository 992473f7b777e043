import { createDatabase, execute } from './databases';
import { type Service, type ServiceOptions, startService } from './service';

/** A service whose database has a clock that the test sets. */
export interface ClockedService extends Service {
  /** Milliseconds since 1970; null: the true time again. */
  setClock(at: number | null): Promise<void>;
}

/**
 * The catalogue's own now() and clock_timestamp() get other names, and stand-ins take theirs. Statements, SQL and PL/pgSQL functions look the name up
 * in each session, so the service runs as it is, on its pinned search path; column defaults were resolved when the tables were made.
 */
const CLOCK = `
  SET allow_system_table_mods = on;
  CREATE SCHEMA clock;
  CREATE TABLE clock.reading (at timestamptz);
  INSERT INTO clock.reading VALUES (NULL);
  ALTER FUNCTION pg_catalog.now() RENAME TO true_now;
  ALTER FUNCTION pg_catalog.clock_timestamp() RENAME TO true_clock_timestamp;
  CREATE FUNCTION pg_catalog.now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce((SELECT at FROM clock.reading), true_now()) $$;
  CREATE FUNCTION pg_catalog.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
    AS $$ SELECT coalesce((SELECT at FROM clock.reading), true_clock_timestamp()) $$`;

export async function startClockedService(options: ServiceOptions = {}): Promise<ClockedService> {
  const database = await createDatabase();
  await execute(database.url, CLOCK);
  const service = await startService({ ...options, database });
  return {
    ...service,
    async setClock(at) {
      await service.sql('UPDATE clock.reading SET at = $1', [at === null ? null : new Date(at)]);
    },
  };
}
