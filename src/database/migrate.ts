import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { CONNECT_TIMEOUT_MS, dataSourceOptions } from './data-source-options';

/** The first four bytes of sha256('quotidian migrations'): the same in every release, so that old and new replicas exclude each other. */
const MIGRATION_LOCK = 97_886_683;

/** DDL gives up soon on a lock it cannot have, since everything queues behind it; a statement may take its time. */
export const MIGRATION_SESSION = { options: '-c lock_timeout=2000 -c statement_timeout=600000', query_timeout: 610_000 };

/**
 * Brings the schema up to date and returns the names of the migrations that this call ran. Replicas that start at once
 * migrate once: the lock is held by a connection of its own for as long as it takes, and dies with its process.
 */
export async function migrate(url: string): Promise<string[]> {
  const lock = new Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS, application_name: 'quotidian migrate' });
  lock.on('error', () => undefined);
  await lock.connect();
  try {
    await lock.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    const dataSource = await new DataSource(dataSourceOptions(url, 2, MIGRATION_SESSION)).initialize();
    try {
      const done = await dataSource.runMigrations();
      return done.map((migration) => migration.name);
    } finally {
      await dataSource.destroy();
    }
  } finally {
    await lock.end();
  }
}
