// `npm run openapi:clients`: two more linters than `npm run openapi:check` has pass openapi.json, and five generators make clients of it that compile
// strictly. Their pinned releases are installed into a temporary folder, from a lockfile of their own: `npm ci` at the root need not know them.
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'quotidian-clients-'));
/** Each takes a core. */
const AT_ONCE = 2;
/** Those that take longest are first. */
const TOOLS = [
  ['kubb', 'kubb', 'generate', '--config', 'kubb.config.mjs'],
  ['swagger-typescript-api', 'swagger-typescript-api', 'generate', '--path', 'openapi.json', '--output', 'clients/swagger-typescript-api', '--name', 'api.ts'],
  ['Redocly', 'redocly', 'lint', 'openapi.json', '--config', 'redocly.yaml', '--format', 'stylish'],
  ['Scalar', 'node', 'scalar.mjs'],
  ['openapi-typescript', 'openapi-typescript', 'openapi.json', '--empty-objects-unknown', '-o', 'clients/openapi-typescript/schema.ts'],
  ['orval', 'orval', '--config', 'orval.config.mjs'],
  ['hey-api', 'openapi-ts', '-i', 'openapi.json', '-o', 'clients/hey-api', '--no-log-file'],
];

/** @returns {Promise<boolean>} whether the program was content; what it said is shown where it was not */
function run(name, program, ...args) {
  const local = join(folder, 'node_modules/.bin', program);
  const [command, parameters] = program === 'node' ? [process.execPath, args] : program === 'npm' ? ['npm', args] : [local, args];
  const began = Date.now();
  return new Promise((resolve) => {
    const child = spawn(command, parameters, { cwd: folder, env: { ...process.env, CI: 'true', REDOCLY_TELEMETRY: 'off', DO_NOT_TRACK: '1' } });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
    child.on('error', (error) => (output += String(error)));
    child.on('close', (code) => {
      console.log(`${name}: ${code === 0 ? 'ok' : 'FAILED'} (${((Date.now() - began) / 1_000).toFixed(1)} s)`);
      if (code !== 0) console.log(output.slice(-4_000));
      resolve(code === 0);
    });
  });
}

let failed = 0;
try {
  cpSync('scripts/openapi-clients', folder, { recursive: true });
  cpSync('openapi.json', join(folder, 'openapi.json'));
  const installed = await run('install', 'npm', 'ci', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline');
  if (installed) {
    const waiting = [...TOOLS];
    const next = async () => {
      for (let tool = waiting.shift(); tool !== undefined; tool = waiting.shift()) if (!(await run(...tool))) failed++;
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
  }
  if (!installed || !(await run('strict TypeScript', 'tsc', '-p', '.'))) failed++;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(failed === 0 ? 'openapi.json lints, and its clients compile' : `${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
