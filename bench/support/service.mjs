import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';
import { ROOT } from './built.mjs';

const SECRETS = {
  JWT_SECRET: '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
  SECRETS_KEY: '101112131415161718191a1b1c1d1e1f000102030405060708090a0b0c0d0e0f',
};
const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** A port that nobody listens on now. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
      server.close(() => resolve(port));
    });
  });
}

/** A child process that serves HTTP: a replica of the built service, or a peer. */
export class ServiceProcess {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  child;
  output = '';
  /** @type {string[]} */
  args = [];
  /** @type {string | undefined} a folder that goes with the process */
  dataDir;

  constructor(script, port, environment) {
    this.script = script;
    this.port = port;
    this.environment = environment;
  }

  /**
   * The built service, as production runs it: logging, authentication, validation and rate-limit fields on.
   * @param {{ databaseUrl?: string, environment?: Record<string, string | undefined>, root?: string, workers?: number }} options
   */
  static async start({ databaseUrl, environment = {}, root = ROOT, workers }) {
    const dataDir = mkdtempSync(join(tmpdir(), 'quotidian-data-'));
    // The account of an embedded server must get through.
    chmodSync(dataDir, 0o755);
    const service = new ServiceProcess(join(root, 'dist/src/main.js'), await freePort(), {
      ...SECRETS,
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      DATA_DIR: dataDir,
      SCHEDULER_ENABLED: 'false',
      LOG_FORMAT: 'json',
      ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl, MIGRATE_ON_START: 'true' }),
      ...environment,
    });
    service.dataDir = dataDir;
    if (workers !== undefined) Object.assign(service, { script: join(root, 'dist/src/cli.js'), args: ['serve', '--workers', String(workers)] });
    await service.launch();
    return service;
  }

  /** A program of `bench/peers`. It answers 200 on `/health/ready` too. */
  static async peer(name, databaseUrl) {
    const peer = new ServiceProcess(join(ROOT, 'bench/peers', `${name}.mjs`), await freePort(), {
      DATABASE_URL: databaseUrl,
      NODE_ENV: 'production',
    });
    await peer.launch();
    return peer;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  get ended() {
    return this.child === undefined || this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Starts the process and waits until it is ready; says how many seconds that took. */
  async launch(timeoutMs = 90_000) {
    const startedAt = performance.now();
    const env = {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      TMPDIR: tmpdir(),
      PORT: String(this.port),
      ...this.environment,
    };
    const child = spawn(process.execPath, [this.script, ...this.args], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    running.add(child);
    child.once('exit', () => running.delete(child));
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => (this.output = (this.output + text).slice(-20_000)));
    }
    for (;;) {
      const [status, answer] = await request(`${this.url}/health/ready`, { signal: AbortSignal.timeout(5_000) }).then(
        async ({ statusCode, body }) => [statusCode, await body.text()],
        (error) => [0, String(error)],
      );
      if (status === 200) return (performance.now() - startedAt) / 1_000;
      if (this.ended) throw new Error(`${this.script} ended with ${child.exitCode ?? child.signalCode}:\n${this.output}`);
      if (performance.now() - startedAt > timeoutMs) throw new Error(`${this.script} was not ready in time: ${answer}\n${this.output}`);
      await delay(20);
    }
  }

  get pid() {
    if (this.child?.pid === undefined) throw new Error(`${this.script} was not launched.`);
    return this.child.pid;
  }

  /** Resident set in MiB: now, and the most it ever was. */
  memory() {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    const of = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1_024;
    return { now: of('VmRSS'), peak: of('VmHWM') };
  }

  /** @param {NodeJS.Signals} signal */
  async end(signal = 'SIGTERM') {
    const { child } = this;
    if (child === undefined || this.ended) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    const stuck = setTimeout(() => child.kill('SIGKILL'), 15_000);
    await gone;
    clearTimeout(stuck);
  }

  async stop() {
    await this.end();
    if (this.dataDir !== undefined) rmSync(this.dataDir, { recursive: true, force: true });
  }
}
