import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What stands in for the addresses that a configuration names. */
export type Addresses = Record<string, string>;

interface Launch {
  program: string;
  args: string[];
  environment?: NodeJS.ProcessEnv;
  /** Is the file `conf` in the folder. */
  configuration: string;
  /** The proxy's own, gone when it stops. */
  folder: string;
  port: number;
}

/** A real proxy in a process of its own. */
export class ProxyProcess {
  private constructor(
    readonly url: string,
    private readonly child: ChildProcess,
    private readonly folder: string,
  ) {}

  static async start({ program, args, environment, configuration, folder, port }: Launch): Promise<ProxyProcess> {
    writeFileSync(join(folder, 'conf'), configuration);
    const env = { ...process.env, ...environment };
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env });
    let complaints = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (complaints += chunk));
    const proxy = new ProxyProcess(`http://127.0.0.1:${port}`, child, folder);
    const deadline = Date.now() + 10_000;
    while (!(await accepts(port))) {
      if (child.exitCode !== null || Date.now() > deadline) {
        await proxy.stop();
        throw new Error(`${program} did not start:\n${complaints}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return proxy;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exit = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      await exit;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The file's text with other addresses, each of which it must name. */
export function configurationOf(file: string, addresses: Addresses): string {
  let text = readFileSync(file, 'utf8');
  for (const [named, actual] of Object.entries(addresses)) {
    if (!text.includes(named)) throw new Error(`${file} does not state "${named}"`);
    text = text.replaceAll(named, actual);
  }
  return text;
}

export function ownFolder(program: string): string {
  return mkdtempSync(join(tmpdir(), `quotidian-${program}-`));
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
