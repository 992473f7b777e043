import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { migrate } from '../../src/database/migrate';
import { execute, TEMPLATE, withDatabase } from './databases';
import { type PgBouncer, startPgBouncer } from './pgbouncer';
import { TestServer } from './test-server';

const ROOT = join(__dirname, '..', '..');

/** Builds `dist/` if it is stale, once for all test files: commands are tested as they are shipped. */
function build(): void {
  const { status, stderr, stdout } = spawnSync(process.execPath, ['scripts/build-if-stale.mjs'], { cwd: ROOT, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the build failed: ${stdout}${stderr}`);
}

/** Starts a server, or takes the one of `TEST_DATABASE_URL` (its user must be allowed to create databases), and migrates the template. */
export default async function globalSetup(): Promise<void> {
  build();
  // What failed and is run once more adds to what the run before it saw.
  if (process.env.TEST_KEEP_WIRE === undefined) rmSync(join(ROOT, 'coverage/wire'), { recursive: true, force: true });
  const given = process.env.TEST_DATABASE_URL;
  const server = given === undefined ? await TestServer.start() : null;
  const url = given ?? (server as TestServer).url;
  await execute(url, `DROP DATABASE IF EXISTS ${TEMPLATE} WITH (FORCE)`);
  await execute(url, `CREATE DATABASE ${TEMPLATE}`);
  await migrate(withDatabase(url, TEMPLATE));
  process.env.TEST_SERVER_URL = url;
  if (process.env.TEST_PGBOUNCER === '1') {
    const bouncer = await startPgBouncer(url, { sessions: 12 });
    process.env.TEST_BOUNCER_URL = bouncer.through(url);
    (globalThis as { testBouncer?: PgBouncer }).testBouncer = bouncer;
  }
  (globalThis as { testServer?: TestServer | null }).testServer = server;
}
