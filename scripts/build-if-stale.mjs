// `npm start` after `npm ci` must build, and must not once built: production images carry no build tool. `npm run build` is this with `--always`.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { stale, stamp } from './build-stamp.cjs';

const always = process.argv.includes('--always');
const startedAt = new Date();
const parts = always ? { service: true, console: true } : stale('.');
if ((parts.service || parts.console) && existsSync('node_modules/@nestjs/cli')) {
  // Else a first start is silent for half a minute. Standard output is the command's.
  if (!always) console.error('Building, since something changed: up to half a minute, and not again until then.');
  if (parts.service) run('node_modules/@nestjs/cli/bin/nest.js', 'build');
  if (existsSync('node_modules/vite')) run('node_modules/vite/bin/vite.js', 'build', 'packages/console', '--logLevel', 'warn');
  stamp('.', startedAt);
} else if (!existsSync('dist/src/cli.js')) {
  console.error('Nothing is built and the build tools are not installed: run `npm ci` (with development dependencies).');
  process.exit(1);
}

/** @param {string[]} command */
function run(...command) {
  const { status } = spawnSync(process.execPath, command, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
