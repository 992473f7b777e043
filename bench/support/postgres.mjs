import { execFile, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { built } from './built.mjs';

const SETPRIV = '/usr/bin/setpriv';
const LOCALE = { LC_ALL: 'C', TZ: 'UTC' };

/** What the embedded server runs with, plus memory for the larger tables. Durable: fsync and synchronous_commit are on, as they are by default. */
const SETTINGS = ['listen_addresses=', 'max_connections=300', 'checkpoint_timeout=15min', 'max_wal_size=2GB', 'shared_buffers=256MB'];

/** Debian's newest `bin` folder, which has pgbench beside the server; undefined: the packaged binaries will be found. */
export function debianFolder() {
  const root = '/usr/lib/postgresql';
  const majors = existsSync(root) ? readdirSync(root).filter((name) => Number(name) >= 15 && existsSync(join(root, name, 'bin/postgres'))) : [];
  const newest = majors.sort((a, b) => Number(b) - Number(a))[0];
  return newest === undefined ? undefined : join(root, newest, 'bin');
}

/** A PostgreSQL of the run's own on a unix socket, which can be stopped at once and started again. It dies with this process. */
export class PostgresServer {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  child;

  /**
   * @param {string} folder
   * @param {any} binaries
   * @param {{ uid?: number, gid?: number }} account
   * @param {{ settings?: string[], environment?: Record<string, string | undefined> }} options
   */
  constructor(folder, binaries, account, { settings = [], environment = {} }) {
    this.folder = folder;
    this.binaries = binaries;
    this.account = account;
    this.settings = settings;
    this.environment = environment;
  }

  /** @param {{ binDir?: string, settings?: string[], environment?: Record<string, string | undefined>, folder?: string }} options */
  static async start(options = {}) {
    const account = built('database/embedded/server-account').serverAccount();
    const binDir = options.binDir ?? process.env.BENCH_PG_BIN_DIR ?? debianFolder();
    const binaries = await built('database/embedded/server-binaries').findServerBinaries(account, binDir);
    const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'quotidian-run-'));
    chmodSync(folder, 0o755);
    const server = new PostgresServer(folder, binaries, account, options);
    for (const own of [server.data, server.socket]) {
      mkdirSync(own, { mode: 0o700 });
      if (account.uid !== undefined) chownSync(own, account.uid, account.gid);
    }
    const flags = ['-D', server.data, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--data-checksums', '--no-sync'];
    await promisify(execFile)(binaries.initdb, flags, {
      ...account,
      cwd: '/',
      env: { PATH: process.env.PATH, ...LOCALE },
    });
    await server.launch();
    return server;
  }

  get data() {
    return join(this.folder, 'data');
  }

  get socket() {
    return join(this.folder, 's');
  }

  get major() {
    return this.binaries.major;
  }

  get pid() {
    return this.child?.pid;
  }

  url(database = 'postgres') {
    return `postgresql://postgres@/${database}?host=${encodeURIComponent(this.socket)}&port=5432`;
  }

  async launch() {
    const args = ['-D', this.data, '-p', '5432', ...[...SETTINGS, `unix_socket_directories=${this.socket}`, ...this.settings].flatMap((s) => ['-c', s])];
    const log = openSync(join(this.folder, 'postgres.log'), 'a');
    /** @type {import('node:child_process').SpawnOptions} */
    const options = {
      cwd: '/',
      env: { PATH: process.env.PATH, ...LOCALE },
      stdio: ['ignore', log, log],
      detached: true,
    };
    const { uid, gid } = this.account;
    const drop = uid === undefined ? [] : [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
    // Through env, after the account is dropped: a preloaded library must not leave things behind as root.
    const program = ['env', ...Object.entries(this.environment).map(([name, value]) => `${name}=${value}`), this.binaries.postgres, ...args];
    const child = existsSync(SETPRIV)
      ? spawn(SETPRIV, ['--pdeathsig=QUIT', ...drop, '--', ...program], options)
      : spawn(program[0], program.slice(1), { ...options, ...this.account });
    this.child = child;
    for (const deadline = Date.now() + 60_000; ; await delay(25)) {
      if (await this.answers()) return;
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`PostgreSQL did not start:\n${this.logTail()}`);
    }
  }

  async answers() {
    return this.query('SELECT 1').then(
      () => true,
      () => false,
    );
  }

  /**
   * One statement in a connection of its own. Dates come as they are written.
   * @param {string} text
   * @param {unknown[]} [values]
   * @returns {Promise<any[]>}
   */
  async query(text, values = [], database = 'postgres') {
    const client = new pg.Client({
      connectionString: this.url(database),
      connectionTimeoutMillis: 5_000,
      types: AS_TEXT,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return (await client.query(text, values)).rows;
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  /** Ends every server process where it stands, as a crash would: what was not flushed to the log is gone. */
  async stopAtOnce() {
    await this.end('SIGQUIT');
  }

  async stop() {
    await this.end('SIGINT');
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** @param {NodeJS.Signals} signal */
  async end(signal) {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  logTail() {
    return readFileSync(join(this.folder, 'postgres.log'), 'utf8').split('\n').slice(-15).join('\n');
  }
}

const AS_TEXT = {
  getTypeParser: (oid, format) => (oid === pg.types.builtins.DATE || oid === 20 ? String : pg.types.getTypeParser(oid, format)),
};
