import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, openSync, closeSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { StartupError } from '../../config/startup-error';
import { sessionOptions } from '../session';
import { announcedSocket, ensureCluster, reachableFolder, SERVER_LOCALE, socketFolder } from './data-folder';
import { serverAccount, type ServerAccount } from './server-account';
import { findServerBinaries, type ServerBinaries } from './server-binaries';

const PORT = 5432;
const DATABASE = 'quotidian';
const START_TIMEOUT_MS = 60_000;
const SETPRIV = '/usr/bin/setpriv';

export interface EmbeddedOptions {
  dataDir: string;
  binDir?: string;
  /** Further `postgres` arguments, such as `-c fsync=off` for tests. */
  serverFlags?: string[];
  initdbFlags?: string[];
  /** The server is another process's: it is used, and never started. */
  adopts?: boolean;
  /** Further variables of the server's process, such as LD_PRELOAD for a clock that tests can set. */
  serverEnv?: Record<string, string>;
}

/**
 * A PostgreSQL of our own below the data folder, on a unix socket only. It dies with this process, `kill -9` included,
 * and is started again when it dies alone. A second process on the same data folder adopts the running server, and
 * takes over when the first one goes: whoever needs it keeps it up.
 */
export class EmbeddedPostgres {
  private child: ChildProcess | null = null;
  private stopping = false;

  private constructor(
    readonly folder: string,
    readonly logFile: string,
    private readonly socket: string,
    private readonly binaries: ServerBinaries,
    private readonly account: ServerAccount,
    private readonly options: EmbeddedOptions,
  ) {}

  static async start(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
    const account = serverAccount();
    const folder = await reachableFolder(options.dataDir, account);
    const binaries = await findServerBinaries(account, options.binDir);
    await ensureCluster(folder, binaries, account, options.initdbFlags ?? []);
    const running = announcedSocket(folder);
    const socket = running && isAlive(running.pid) ? running.folder : socketFolder(folder, account);
    const logFile = join(dirname(folder), 'postgres.log');
    const server = new EmbeddedPostgres(folder, logFile, socket, binaries, account, options);
    await server.ensureRunning();
    if (!options.adopts) void server.keepRunning();
    return server;
  }

  get url(): string {
    return this.urlOf(DATABASE);
  }

  urlOf(database: string): string {
    return `postgresql://postgres@/${database}?host=${encodeURIComponent(this.socket)}&port=${PORT}`;
  }

  /** Stops the server if it is ours: open transactions are rolled back, everything committed is on disk. */
  async stop(): Promise<void> {
    this.stopping = true;
    if (this.child === null || this.childEnded) return;
    this.child.ref();
    const gone = new Promise((resolve) => this.child?.once('exit', resolve));
    this.child.kill('SIGINT');
    await gone;
  }

  private async ensureRunning(): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!this.stopping && !(await this.answers())) {
      if (Date.now() > deadline) throw new StartupError(`The embedded PostgreSQL did not come up: ${this.lastLogLine()}`);
      if (this.childEnded && announcedSocket(this.folder) === null) {
        throw new StartupError(`The embedded PostgreSQL ended at once: ${this.lastLogLine()}`);
      }
      // The server's own lock file decides between processes: the loser's child ends, and it adopts the winner's server.
      if (!this.options.adopts && (this.child === null || this.childEnded)) this.launch();
      await delay(30);
    }
    if (this.childEnded) this.child = null;
  }

  private get childEnded(): boolean {
    return this.child !== null && (this.child.exitCode !== null || this.child.signalCode !== null);
  }

  private launch(): void {
    socketFolder(this.folder, this.account);
    const args = ['-D', this.folder, '-p', String(PORT), ...DEFAULTS, '-c', `unix_socket_directories=${this.socket}`, ...(this.options.serverFlags ?? [])];
    if (existsSync(this.logFile) && statSync(this.logFile).size > 10_000_000) renameSync(this.logFile, `${this.logFile}.1`);
    const log = openSync(this.logFile, 'a', 0o600);
    const env = { PATH: process.env.PATH, ...SERVER_LOCALE, ...this.options.serverEnv };
    // detached: Ctrl-C must reach us first, so that we drain before the server goes.
    const options = { cwd: '/', env, stdio: ['ignore', log, log] as ['ignore', number, number], detached: true };
    const { uid, gid } = this.account;
    const drop = uid === undefined ? [] : [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
    // pdeathsig: the kernel stops the server when this process is gone, however it went.
    this.child = existsSync(SETPRIV)
      ? spawn(SETPRIV, ['--pdeathsig=INT', ...drop, '--', this.binaries.postgres, ...args], options)
      : spawn(this.binaries.postgres, args, { ...options, ...this.account });
    this.child.unref();
    closeSync(log);
  }

  private async keepRunning(): Promise<void> {
    while (!this.stopping) {
      await delay(500, undefined, { ref: false });
      const up = this.child ? !this.childEnded : isAlive(announcedSocket(this.folder)?.pid);
      if (up || this.stopping) continue;
      this.child = null;
      await this.ensureRunning().catch(() => delay(1_000, undefined, { ref: false }));
    }
  }

  /** Whether the server takes connections; makes our database in it when it is new. */
  private async answers(): Promise<boolean> {
    const client = new Client({ connectionString: this.urlOf('postgres'), options: sessionOptions('', null), connectionTimeoutMillis: 5_000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE]);
      if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`).catch(ignoreDuplicate);
      return true;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  private lastLogLine(): string {
    const lines = existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8').trim().split('\n') : [];
    return lines.findLast((line) => /FATAL|PANIC|ERROR|could not/.test(line)) ?? `see ${this.logFile}`;
  }
}

const DEFAULTS = ['listen_addresses=', 'max_connections=200', 'checkpoint_timeout=15min', 'max_wal_size=2GB'].flatMap((s) => ['-c', s]);

function isAlive(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Two first starts at once: 42P04 duplicate_database, or 23505 on pg_database's own index. */
function ignoreDuplicate(error: Error & { code?: string }): void {
  if (error.code !== '42P04' && error.code !== '23505') throw error;
}
