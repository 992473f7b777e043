import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const ROOT = join(__dirname, '..', '..');

export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A `quotidian` command as a process of its own, with nothing of our environment but what is given. */
export class Command {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';

  constructor(args: string[], environment: Record<string, string>, input = '') {
    const env = { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: process.env.TMPDIR, ...environment };
    this.child = spawn(process.execPath, [join(ROOT, 'dist/src/cli.js'), ...args], { cwd: ROOT, env, stdio: 'pipe' });
    this.child.stdout?.on('data', (chunk) => (this.stdout += String(chunk)));
    this.child.stderr?.on('data', (chunk) => (this.stderr += String(chunk)));
    this.child.stdin?.end(input);
  }

  async finished(): Promise<Finished> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'close');
    return { code: this.child.exitCode, stdout: this.stdout, stderr: this.stderr };
  }

  /** Waits until the output states so; the banner, mostly. */
  async shows(pattern: RegExp, timeoutMs = 30_000): Promise<RegExpExecArray> {
    const deadline = Date.now() + timeoutMs;
    while (Date.now() < deadline) {
      const match = pattern.exec(this.stdout);
      if (match) return match;
      if (this.child.exitCode !== null) break;
      await delay(20);
    }
    throw new Error(`never stated ${pattern.source}: ${this.stdout}${this.stderr}`);
  }
}

export function run(args: string[], environment: Record<string, string>, input = ''): Promise<Finished> {
  return new Command(args, environment, input).finished();
}
