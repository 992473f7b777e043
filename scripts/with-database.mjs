// For the scripts of this folder: the built application's database layer, and a database to work on.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, chmodSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const require = createRequire(import.meta.url);

/** Builds what is stale, then loads a module of `dist/src`. */
export function built(module) {
  const { status } = spawnSync(process.execPath, ['scripts/build-if-stale.mjs'], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  return require(join(process.cwd(), 'dist/src', module));
}

/** Lends an empty server that goes when the work is done; `TEST_PG_BIN_DIR` names another release's programs. */
export async function withEmptyServer(work) {
  const { EmbeddedPostgres } = built('database/embedded/embedded-postgres.js');
  const dataDir = mkdtempSync(join(tmpdir(), 'quotidian-script-'));
  chmodSync(dataDir, 0o755);
  const serverFlags = ['-c', 'fsync=off'];
  const server = await EmbeddedPostgres.start({ dataDir, binDir: process.env.TEST_PG_BIN_DIR, initdbFlags: ['--no-sync'], serverFlags });
  try {
    return await work(server.url);
  } finally {
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
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
