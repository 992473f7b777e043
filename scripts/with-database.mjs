// For the scripts of this folder: a database to work on.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { built } from './built.mjs';

/** Lends an empty server that goes when the work is done; `TEST_PG_BIN_DIR` names another release's programs. */
export async function withEmptyServer(work) {
  const dataDir = mkdtempSync(join(tmpdir(), 'quotidian-script-'));
  chmodSync(dataDir, 0o755);
  try {
    return await withServer(dataDir, work);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Lends a server on a data folder, which is made where there is none. What is in it is lost when the machine fails. */
export async function withServer(dataDir, work) {
  const { EmbeddedPostgres } = built('database/embedded/embedded-postgres.js');
  const serverFlags = ['fsync=off', 'autovacuum=off', 'max_wal_senders=0', 'wal_level=minimal'].flatMap((setting) => ['-c', setting]);
  const server = await EmbeddedPostgres.start({ dataDir, binDir: process.env.TEST_PG_BIN_DIR, initdbFlags: ['--no-sync', '--wal-segsize=1'], serverFlags });
  try {
    return await work(server.url);
  } finally {
    await server.stop();
  }
}

/** Lends the application's database: DATABASE_URL, or the embedded one below DATA_DIR. */
export async function withApplicationDatabase(work) {
  if (process.env.DATABASE_URL) return work(process.env.DATABASE_URL);
  const { EmbeddedPostgres } = built('database/embedded/embedded-postgres.js');
  const server = await EmbeddedPostgres.start({ dataDir: process.env.DATA_DIR || '.data', binDir: process.env.EMBEDDED_PG_BIN_DIR });
  try {
    return await work(server.url);
  } finally {
    await server.stop();
  }
}
