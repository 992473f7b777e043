import { join } from 'node:path';
import { type DataSourceOptions } from 'typeorm';
import { HealingClient } from './healing-client';

/** Ends a statement on the server; the client gives up a little later, when not even that answer came. */
export const STATEMENT_TIMEOUT_MS = 10_000;
export const ANSWER_TIMEOUT_MS = 12_000;
export const CONNECT_TIMEOUT_MS = 5_000;

/** Session settings of every connection; a lock that is not had in time, or a transaction left open, ends in an error and a rollback. */
export const SESSION = `-c statement_timeout=${STATEMENT_TIMEOUT_MS} -c lock_timeout=5000 -c idle_in_transaction_session_timeout=15000`;

/** The one definition of the database, for the application, the command line and TypeORM's own. */
export function dataSourceOptions(url: string, poolSize: number, extra: Record<string, unknown> = {}): DataSourceOptions {
  return {
    type: 'postgres',
    url,
    applicationName: 'quotidian',
    // Globs, not classes: the database layer knows no feature.
    entities: [join(__dirname, '..', '**', '*.entity.{ts,js}')],
    migrations: [join(__dirname, '..', '..', 'migrations', '*.{ts,js}')],
    migrationsTableName: 'migrations',
    migrationsTransactionMode: 'each',
    synchronize: false,
    poolSize,
    // The pool drops a connection that died while idle by itself; the next query says so if it matters.
    poolErrorHandler: () => undefined,
    extra: {
      Client: HealingClient,
      options: SESSION,
      query_timeout: ANSWER_TIMEOUT_MS,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      idleTimeoutMillis: 30_000,
      maxLifetimeSeconds: 1_800,
      keepAlive: true,
      ...extra,
    },
  };
}
