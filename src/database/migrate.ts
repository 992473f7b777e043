import { setTimeout as delay } from 'node:timers/promises';
import { DataSource, type EntityManager, MigrationExecutor } from 'typeorm';
import { isConflict } from '../common/database-errors';
import { StartupError } from '../config/startup-error';
import { Connections, type SessionSpec } from './connections';
import { dataSourceOptions } from './data-source-options';

/** The first four bytes of sha256('quotidian migrations'): the same in every release, so that old and new replicas exclude each other. */
const MIGRATION_LOCK = 97_886_683;
const ASK_AGAIN_MS = 100;

/**
 * How long DDL waits for a lock, since everything queues behind it. The first bid is shorter than PostgreSQL waits before it looks for deadlocks: where a
 * migration and statements of replicas that serve wait for each other, the migration steps back, and no caller.
 */
const FIRST_LOCK_TIMEOUT_MS = 500;
const MAX_LOCK_TIMEOUT_MS = 2_000;
/** How often a migration that met the locks of others is begun again. */
const ATTEMPTS = 30;
const MAX_PAUSE_MS = 1_000;

/** A statement may take its time. */
export const MIGRATION_SESSION: SessionSpec = {
  application: 'quotidian migrate',
  statementTimeoutMs: 600_000,
  settings: { lock_timeout: MAX_LOCK_TIMEOUT_MS },
};
/** Waits for another replica's migrations as long as they take. */
const LOCK_SESSION: SessionSpec = { application: 'quotidian migrate', statementTimeoutMs: 0, settings: { lock_timeout: 0 } };

/**
 * Brings the schema up to date and returns the names of the migrations that this call ran. Replicas that start at once
 * migrate once: the lock is held by a connection of its own for as long as it takes, and dies with its process. A migration that
 * was rolled back for the locks of others is begun again: each runs in a transaction, or else takes away first what it left half made.
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
    const done: string[] = [];
    for (let attempt = 1; ; attempt++) {
      const { ran, failure } = await runPending(
        connections,
        Math.min(MAX_LOCK_TIMEOUT_MS, FIRST_LOCK_TIMEOUT_MS * attempt),
        record && { before: done, record },
      );
      done.push(...ran);
      if (failure === null) return done;
      if (ran.length > 0) attempt = 0;
      if (attempt === ATTEMPTS || !isConflict(failure)) throw failure;
      await delay(Math.random() * MAX_PAUSE_MS);
    }
  } finally {
    await lock.end();
  }
}

/** Runs what is pending, up to the first that fails. */
async function runPending(
  connections: Connections,
  lockTimeoutMs: number,
  written?: { before: string[]; record: (manager: EntityManager, names: string[]) => Promise<void> },
): Promise<{ ran: string[]; failure: Error | null }> {
  const session = { ...MIGRATION_SESSION, settings: { lock_timeout: lockTimeoutMs } };
  const dataSource = await new DataSource(dataSourceOptions(connections, 2, session)).initialize();
  try {
    const pending = async () => (await new MigrationExecutor(dataSource).getPendingMigrations()).map(({ name }) => name);
    const before = await pending();
    const failure = await dataSource.runMigrations().then(
      () => null,
      (error: Error) => error,
    );
    const left = failure === null ? [] : await pending();
    const ran = before.filter((name) => !left.includes(name));
    const names = [...(written?.before ?? []), ...ran];
    if (failure === null && names.length > 0) await written?.record(dataSource.manager, names);
    return { ran, failure };
  } finally {
    await dataSource.destroy();
  }
}
