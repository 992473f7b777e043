import { createDatabase, execute } from './databases';
import { type Service, type ServiceOptions, startService } from './service';

/** A service whose database has a clock that the test sets. */
export interface ClockedService extends Service {
  /** Milliseconds since 1970; null: the true time again. */
  setClock(at: number | null): Promise<void>;
}

/**
 * A schema that stands before pg_catalog in the search path has its own now() and clock_timestamp(). Statements, SQL and PL/pgSQL functions
 * look the name up in each session, so the service runs as it is; column defaults were resolved when the tables were made.
 */
const CLOCK = `
  CREATE SCHEMA clock;
  CREATE TABLE clock.reading (at timestamptz);
  INSERT INTO clock.reading VALUES (NULL);
  CREATE FUNCTION clock.now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce((SELECT at FROM clock.reading), pg_catalog.now()) $$;
  CREATE FUNCTION clock.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
    AS $$ SELECT coalesce((SELECT at FROM clock.reading), pg_catalog.clock_timestamp()) $$;
  DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, clock, pg_catalog', current_database()); END $$`;

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
