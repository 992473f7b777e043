// `npm run docs:run -- README.md docs/tutorial.md`: types what a document tells its reader to type, into one shell beside a service of its own, and holds what
// comes out to what the document shows. A block of `sh` is run; the block without a language after it is its output, where `…` stands for anything.
// `<!-- not run: why -->` before a block leaves it out.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { marked } from 'marked';

/** What stands in the documents; the run has ports of its own. */
const DOCUMENTED_PORTS = ['3000', '4000'];
const BLOCK_SECONDS = 60;

/** @param {string} path @returns {Promise<number>} how many blocks did not do what the document shows */
async function run(path) {
  const blocks = blocksOf(readFileSync(path, 'utf8'));
  const folder = mkdtempSync(join(tmpdir(), 'quotidian-document-'));
  const ports = new Map(await Promise.all(DOCUMENTED_PORTS.map(async (port) => /** @type {[string, string]} */ ([port, await freePort()]))));
  /** @type {NodeJS.ProcessEnv} */
  const environment = { ...process.env, DATA_DIR: folder, PORT: ports.get('3000'), LOG_LEVEL: 'error', FORCE_COLOR: '0' };
  delete environment.DATABASE_URL;
  const service = spawn(process.execPath, ['dist/src/cli.js', 'serve'], { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
  const shell = new Shell(environment);
  let failed = 0;
  try {
    await listening(service);
    for (const { code, output, line } of blocks) {
      const { status, text } = await shell.type(withPorts(code, ports), folder);
      if (status === 0 && (output === null || pattern(withPorts(output, ports)).test(text))) continue;
      failed++;
      console.log(`FAIL ${path}:${line} (exit ${status})\n--- typed\n${code}\n--- came out\n${text}\n--- the document shows\n${output ?? '(nothing)'}\n`);
    }
  } finally {
    shell.close();
    service.kill('SIGTERM');
    await once(service, 'exit');
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`${failed === 0 ? 'ok  ' : 'FAIL'} ${path}: ${blocks.length} blocks, ${failed} failed`);
  return failed;
}

/**
 * @param {string} markdown
 * @returns {{ code: string, output: string | null, line: number }[]}
 */
function blocksOf(markdown) {
  const blocks = [];
  let leftOut = false;
  let awaitsOutput = false;
  for (const token of marked.lexer(markdown)) {
    if (token.type === 'html') leftOut = token.raw.startsWith('<!-- not run:');
    if (token.type !== 'code') {
      if (token.type !== 'space' && token.type !== 'html') awaitsOutput = false;
      continue;
    }
    const last = blocks.at(-1);
    if (token.lang === 'sh' && !leftOut) {
      blocks.push({ code: token.text, output: /** @type {string | null} */ (null), line: markdown.slice(0, markdown.indexOf(token.raw)).split('\n').length });
      awaitsOutput = true;
    } else if (!token.lang && awaitsOutput && last !== undefined && !leftOut) {
      last.output = token.text;
      awaitsOutput = false;
    }
    leftOut = false;
  }
  return blocks;
}

/** One bash for all blocks of a document, so that what one sets the next has. */
class Shell {
  /** @param {NodeJS.ProcessEnv} environment */
  constructor(environment) {
    this.count = 0;
    this.text = '';
    this.bash = spawn('bash', ['--noprofile', '--norc'], { env: environment, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    for (const stream of [this.bash.stdout, this.bash.stderr]) stream.setEncoding('utf8').on('data', (text) => (this.text += text));
  }

  /** @param {string} code @param {string} folder @returns {Promise<{ status: number, text: string }>} */
  async type(code, folder) {
    this.text = '';
    const mark = `end-of-block-${++this.count}`;
    const file = join(folder, `block-${this.count}.sh`);
    writeFileSync(file, code);
    // Sourced: what it sets stays. What it leaves running keeps the streams.
    this.bash.stdin.write(`source ${file}; echo "${mark} $?"\n`);
    const deadline = Date.now() + BLOCK_SECONDS * 1_000;
    for (;;) {
      const end = new RegExp(`${mark} (\\d+)\\n`).exec(this.text);
      if (end) return { status: Number(end[1]), text: this.text.slice(0, end.index) };
      if (this.bash.exitCode !== null || Date.now() > deadline) return { status: 124, text: `${this.text}\n(not over after ${BLOCK_SECONDS} s)` };
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** With what runs in its background. */
  close() {
    try {
      if (this.bash.pid !== undefined) process.kill(-this.bash.pid, 'SIGKILL');
    } catch {
      // It has gone already.
    }
  }
}

/** @param {import('node:child_process').ChildProcess} service */
async function listening(service) {
  let text = '';
  for await (const chunk of service.stdout ?? []) {
    text += chunk;
    // The administrator, the banner's last part, is there once this is.
    if (/API key +qtd_/.test(text)) break;
  }
  if (!text.includes('API key')) throw new Error(`The service did not start:\n${text}`);
  // Whatever it writes from now on is nobody's.
  service.stdout?.resume();
}

/** @param {string} text @param {ReadonlyMap<string, string>} ports */
function withPorts(text, ports) {
  return text.replace(/(127\.0\.0\.1:|PORT=)(\d+)/g, (all, before, port) => (ports.has(port) ? before + ports.get(port) : all));
}

/** Lines may be broken where the document breaks them for its readers. @param {string} output */
function pattern(output) {
  const parts = output.split('…').map((part) =>
    part
      .trim()
      .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      .replace(/\s+/g, '\\s*'),
  );
  return new RegExp(parts.join('[\\s\\S]*?'));
}

/** @returns {Promise<string>} */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  server.close();
  return String(port);
}

let failures = 0;
for (const path of process.argv.slice(2)) failures += await run(path);
process.exit(failures === 0 ? 0 : 1);
