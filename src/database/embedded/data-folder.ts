import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chownSync, existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { StartupError } from '../../config/startup-error';
import { type ServerAccount } from './server-account';
import { type ServerBinaries } from './server-binaries';

const run = promisify(execFile);
export const SERVER_LOCALE = { LC_ALL: 'C', TZ: 'UTC' };

/** A folder for the cluster that the account can reach: `<dataDir>/postgres`, or one below /var/tmp when a parent is closed to it. */
export async function reachableFolder(dataDir: string, account: ServerAccount): Promise<string> {
  const folder = join(resolve(dataDir), 'postgres');
  mkdirSync(dirname(folder), { recursive: true });
  if (account.uid === undefined || (await canReach(dirname(folder), account))) return folder;
  const elsewhere = join('/var/tmp', `quotidian-${digest(folder)}`);
  mkdirSync(elsewhere, { recursive: true, mode: 0o755 });
  return join(elsewhere, 'postgres');
}

async function canReach(folder: string, account: ServerAccount): Promise<boolean> {
  try {
    await run('/bin/sh', ['-c', 'test -x "$0"', folder], { ...account, cwd: '/' });
    return true;
  } catch {
    return false;
  }
}

/**
 * Makes the cluster unless it is there. It is built beside its place and renamed into it, so a kill half way leaves
 * nothing that looks finished, and of two first starts one wins.
 */
export async function ensureCluster(folder: string, binaries: ServerBinaries, account: ServerAccount, flags: string[]): Promise<void> {
  if (existsSync(join(folder, 'PG_VERSION'))) return checkMajor(folder, binaries.major);
  const draft = `${folder}.${process.pid}`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { mode: 0o700 });
  if (account.uid !== undefined) chownSync(draft, account.uid, account.gid ?? account.uid);
  const env = { PATH: process.env.PATH, ...SERVER_LOCALE };
  // Without --encoding and --locale an empty environment makes an SQL_ASCII cluster, and a foreign LANG makes none.
  const always = ['-D', draft, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--data-checksums'];
  await run(binaries.initdb, [...always, ...flags], { ...account, cwd: '/', env });
  try {
    renameSync(draft, folder);
  } catch {
    rmSync(draft, { recursive: true, force: true });
  }
}

function checkMajor(folder: string, major: number): void {
  const made = readFileSync(join(folder, 'PG_VERSION'), 'utf8').trim();
  if (made === String(major)) return;
  throw new StartupError(
    `The data in ${folder} was made by PostgreSQL ${made}, but PostgreSQL ${major} would run it. ` +
      `Set EMBEDDED_PG_BIN_DIR to a PostgreSQL ${made}, or dump it with one and load it into a new DATA_DIR.`,
  );
}

/**
 * The folder of the unix socket: short (a socket's path ends at 107 bytes), private, and the same at every start, so a
 * server that was restarted is found again by pools that are already open.
 */
export function socketFolder(clusterFolder: string, account: ServerAccount): string {
  const folder = join(tmpdir(), `quotidian-${digest(clusterFolder)}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stat = lstatSync(folder);
  const owners = [account.uid, process.getuid?.()];
  if (!stat.isDirectory() || !owners.includes(stat.uid)) throw new StartupError(`${folder} belongs to somebody else. Remove it, or set TMPDIR.`);
  if (account.uid !== undefined) chownSync(folder, account.uid, account.gid ?? account.uid);
  return folder;
}

/** Where a server that owns the folder claims to listen (postmaster.pid: pid, folder, start, port, socket folder, …), alive or not. */
export function announcedSocket(clusterFolder: string): { pid: number; folder: string; port: number } | null {
  try {
    const [pid, , , port, folder] = readFileSync(join(clusterFolder, 'postmaster.pid'), 'utf8').split('\n');
    return folder ? { pid: Number(pid), folder, port: Number(port) } : null;
  } catch {
    return null;
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
