import { join } from 'node:path';
import { type DataSourceOptions } from 'typeorm';
import { type Connections, type SessionSpec } from './connections';
import { HealingClient } from './healing-client';

/** The one definition of the database, for the application, the command line and TypeORM's own. */
export function dataSourceOptions(connections: Connections, poolSize: number, spec: SessionSpec = { application: 'quotidian' }): DataSourceOptions {
  return {
    type: 'postgres',
    // Globs, not classes: the database layer knows no feature.
    entities: [join(__dirname, '..', '**', '*.entity.{ts,js}')],
    migrations: [join(__dirname, '..', '..', 'migrations', '*.{ts,js}')],
    migrationsTableName: 'migrations',
    migrationsTransactionMode: 'each',
    synchronize: false,
    poolSize,
    // The pool drops a connection that died while idle by itself; the next query fails if it matters.
    poolErrorHandler: () => undefined,
    extra: { ...connections.config(spec), Client: HealingClient, idleTimeoutMillis: 30_000, maxLifetimeSeconds: 1_800 },
  };
}
