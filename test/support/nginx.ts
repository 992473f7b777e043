import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Whether the program is here: tests that need it are left out, loudly, where it is not. */
export const HAS_NGINX = spawnSync('nginx', ['-v']).status === 0;

const TEMP_PATHS = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/** A real nginx with a configuration for its http block, in which `addresses` stand in for those that it names. */
export class Nginx {
  private constructor(
    readonly url: string,
    private readonly child: ChildProcess,
    private readonly folder: string,
  ) {}

  static async start(file: string, addresses: Record<string, string>): Promise<Nginx> {
    const folder = mkdtempSync(join(tmpdir(), 'quotidian-nginx-'));
    mkdirSync(join(folder, 'temp'));
    const port = await freePort();
    let text = readFileSync(file, 'utf8');
    for (const [named, actual] of Object.entries({ 'listen 80;': `listen 127.0.0.1:${port};`, ...addresses })) {
      if (!text.includes(named)) throw new Error(`${file} does not say "${named}"`);
      text = text.replaceAll(named, actual);
    }
    const temps = TEMP_PATHS.map((name) => `${name}_temp_path ${folder}/temp/${name};`).join(' ');
    writeFileSync(
      join(folder, 'nginx.conf'),
      `daemon off; master_process off; pid ${folder}/pid; error_log stderr warn; events {}\nhttp { access_log off; ${temps}\n${text}\n}\n`,
    );
    const child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'], { stdio: ['ignore', 'ignore', 'pipe'] });
    let complaints = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (complaints += chunk));
    const nginx = new Nginx(`http://127.0.0.1:${port}`, child, folder);
    const deadline = Date.now() + 10_000;
    while (!(await accepts(port))) {
      if (child.exitCode !== null || Date.now() > deadline) {
        await nginx.stop();
        throw new Error(`nginx did not start:\n${complaints}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return nginx;
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

async function freePort(): Promise<number> {
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
