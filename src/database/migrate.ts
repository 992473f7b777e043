import { setTimeout as delay } from 'node:timers/promises';
import { DataSource, type EntityManager } from 'typeorm';
import { StartupError } from '../config/startup-error';
import { Connections, type SessionSpec } from './connections';
import { dataSourceOptions } from './data-source-options';

/** The first four bytes of sha256('quotidian migrations'): the same in every release, so that old and new replicas exclude each other. */
const MIGRATION_LOCK = 97_886_683;
const ASK_AGAIN_MS = 100;

/** DDL gives up soon on a lock it cannot have, since everything queues behind it; a statement may take its time. */
export const MIGRATION_SESSION: SessionSpec = { application: 'quotidian migrate', statementTimeoutMs: 600_000, settings: { lock_timeout: 2_000 } };
/** Waits for another replica's migrations as long as they take. */
const LOCK_SESSION: SessionSpec = { application: 'quotidian migrate', statementTimeoutMs: 0, settings: { lock_timeout: 0 } };

/**
 * Brings the schema up to date and returns the names of the migrations that this call ran. Replicas that start at once
 * migrate once: the lock is held by a connection of its own for as long as it takes, and dies with its process.
 *
 * @param record writes down what was done, where anything was
 * @throws StartupError when the server cannot be used
 */
export async function migrate(target: string | Connections, record?: (manager: EntityManager, names: string[]) => Promise<void>): Promise<string[]> {
  const { sessions: connections } = typeof target === 'string' ? await Connections.open(target) : target;
  if (connections === null)
    throw new StartupError('DATABASE_URL leads to a pooler, and migrations need a session: set DATABASE_DIRECT_URL to the PostgreSQL server itself.');
  const lock = connections.client(LOCK_SESSION);
  await lock.connect();
  try {
    // Asked again and again, not waited for: an index that is made CONCURRENTLY waits for every statement under way, this one too.
    for (;;) {
      const { rows } = await lock.query<{ held: boolean }>('SELECT pg_try_advisory_lock($1) AS held', [MIGRATION_LOCK]);
      if (rows[0]?.held) break;
      await delay(ASK_AGAIN_MS);
    }
    const dataSource = await new DataSource(dataSourceOptions(connections, 2, MIGRATION_SESSION)).initialize();
    try {
      const done = (await dataSource.runMigrations()).map((migration) => migration.name);
      if (done.length > 0) await record?.(dataSource.manager, done);
      return done;
    } finally {
      await dataSource.destroy();
    }
  } finally {
    await lock.end();
  }
}
