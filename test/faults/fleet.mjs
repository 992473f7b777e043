import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ROOT } from '../../bench/support/built.mjs';

const PROGRAM = join(ROOT, 'test/faults/worker-process.mjs');
const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** The worker kit as it is shipped. */
export function buildKit() {
  const compiler = join(ROOT, 'node_modules/typescript7/bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', 'packages/client/tsconfig.json'], { cwd: ROOT, encoding: 'utf8' });
  if (status !== 0) throw new Error(`The client does not build: ${stdout}`);
}

/** Worker processes, the ways to hurt them, and what they wrote down. */
export class Fleet {
  folder = mkdtempSync(join(tmpdir(), 'quotidian-fleet-'));
  workers = [];
  happened = { killed: 0, paused: 0 };
  isOver = false;

  /** @param {{ urls: string[], key: string, types: string[], concurrency: number, leaseSeconds: number }} options */
  constructor(options) {
    this.options = options;
  }

  launch(count) {
    for (let place = 0; place < count; place++) this.start(place);
  }

  start(place) {
    // A file for each process: nobody writes behind a line that another was killed in.
    const log = join(this.folder, `${place}-${this.happened.killed}.log`);
    const env = { PATH: process.env.PATH, WORKER: JSON.stringify({ ...this.options, log }) };
    const child = spawn(process.execPath, [PROGRAM], { cwd: ROOT, env, stdio: ['ignore', 'ignore', 'inherit'] });
    running.add(child);
    const gone = new Promise((resolve) => child.once('exit', resolve)).then(() => running.delete(child));
    this.workers[place] = { place, child, gone, asleep: null };
  }

  awake() {
    return this.workers.filter(({ asleep }) => asleep === null);
  }

  /** Ends a worker where it stands, and starts another in its place. */
  async kill({ place, child, gone }) {
    child.kill('SIGKILL');
    await gone;
    this.happened.killed++;
    if (!this.isOver) this.start(place);
  }

  /** Stops a worker's clock for a while: it knows nothing of that when it goes on. */
  pause(worker, durationMs) {
    worker.child.kill('SIGSTOP');
    this.happened.paused++;
    worker.asleep = delay(durationMs).then(() => {
      worker.child.kill('SIGCONT');
      worker.asleep = null;
    });
  }

  async allAwake() {
    await Promise.all(this.workers.map(({ asleep }) => asleep));
  }

  /** Lets every worker finish what it has begun. */
  async drain() {
    await this.allAwake();
    const stuck = setTimeout(() => this.workers.forEach(({ child }) => child.kill('SIGKILL')), 30_000);
    for (const { child } of this.workers) child.kill('SIGTERM');
    await Promise.all(this.workers.map(({ gone }) => gone));
    clearTimeout(stuck);
  }

  /** Every line that was written whole. */
  calls() {
    return readdirSync(this.folder).flatMap((name) => {
      const lines = readFileSync(join(this.folder, name), 'utf8').split('\n').slice(0, -1);
      return lines.map((line) => JSON.parse(line));
    });
  }

  async stop() {
    this.isOver = true;
    for (const { child } of this.workers) child.kill('SIGKILL');
    await Promise.all(this.workers.map(({ gone }) => gone));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
