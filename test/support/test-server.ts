import { chmodSync, mkdtempSync, readdirSync, rmSync, statfsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { announcedSocket } from '../../src/database/embedded/data-folder';
import { EmbeddedPostgres, type EmbeddedOptions } from '../../src/database/embedded/embedded-postgres';

/** Nothing here outlives the tests, so nothing waits for the disk. What a power cut would do is not tested by killing processes anyway. */
const FAST = ['fsync=off', 'full_page_writes=off', 'shared_buffers=64MB'].flatMap((setting) => ['-c', setting]);

/** Where Linux keeps files in memory. */
const IN_MEMORY = '/dev/shm';
/** What the largest of the tests' servers takes, twice. */
const ROOM_BYTES = 6 * 2 ** 30;
const PREFIX = 'quotidian-test-';
/** A run is over by then; a younger folder may be one that its server is about to start in. */
const ABANDONED_MS = 3_600_000;

/**
 * The folder that servers of the tests live below: in memory where there is plenty, or that of temporary files. Every test file has a database of its own,
 * a thousand small files, and on a disk those take half a second to make.
 */
function roomiest(): string {
  try {
    sweep(IN_MEMORY);
    const { bavail, bsize } = statfsSync(IN_MEMORY);
    return Math.min(bavail * bsize, process.availableMemory()) > ROOM_BYTES ? IN_MEMORY : tmpdir();
  } catch {
    return tmpdir();
  }
}

/** Removes what runs that were killed have left: in memory it would stay there until the machine is started anew. */
function sweep(parent: string): void {
  for (const name of readdirSync(parent).filter((name) => name.startsWith(PREFIX))) {
    const folder = join(parent, name);
    if (Date.now() - statSync(folder).mtimeMs > ABANDONED_MS && !isServed(folder)) rmSync(folder, { recursive: true, force: true });
  }
}

function isServed(folder: string): boolean {
  try {
    const server = announcedSocket(join(folder, 'postgres'));
    if (server === null) return false;
    process.kill(server.pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** A PostgreSQL of the tests' own, in a folder that goes with it. `TEST_PG_BIN_DIR` names another release's programs. */
export class TestServer {
  private constructor(
    readonly postgres: EmbeddedPostgres,
    private readonly folder: string,
  ) {}

  static async start(options: Partial<EmbeddedOptions> = {}): Promise<TestServer> {
    const folder = mkdtempSync(join(roomiest(), PREFIX));
    // The account that PostgreSQL runs as must get through.
    chmodSync(folder, 0o755);
    const postgres = await EmbeddedPostgres.start({
      dataDir: folder,
      binDir: process.env.TEST_PG_BIN_DIR,
      initdbFlags: ['--no-sync'],
      serverFlags: FAST,
      ...options,
    });
    return new TestServer(postgres, folder);
  }

  get url(): string {
    return this.postgres.urlOf('postgres');
  }

  async stop(): Promise<void> {
    await this.postgres.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
