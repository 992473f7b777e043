// `npm start` after `npm ci` must build, and must not once built: production images carry no build tool.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const STAMP = 'dist/.built';
const inputs = [
  'src',
  'packages/console/src',
  'migrations',
  'docs/errors',
  'docs/openapi-examples.json',
  'package.json',
  'nest-cli.json',
  'tsconfig.json',
  'tsconfig.build.json',
];

const newest = (path) =>
  !existsSync(path)
    ? 0
    : statSync(path).isDirectory()
      ? Math.max(statSync(path).mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))))
      : statSync(path).mtimeMs;

const startedAt = new Date();
const fresh = existsSync(STAMP) && statSync(STAMP).mtimeMs >= Math.max(...inputs.map(newest));
if (!fresh && existsSync('node_modules/@nestjs/cli')) {
  // Else a first start is silent for half a minute. Standard output is the command's.
  console.error('Building, since something changed: up to half a minute, and not again until then.');
  const { status } = spawnSync(process.execPath, ['node_modules/@nestjs/cli/bin/nest.js', 'build'], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  if (existsSync('node_modules/vite')) {
    const pages = spawnSync(process.execPath, ['node_modules/vite/bin/vite.js', 'build', 'packages/console', '--logLevel', 'warn'], { stdio: 'inherit' });
    if (pages.status !== 0) process.exit(pages.status ?? 1);
  }
  writeFileSync(STAMP, '');
  utimesSync(STAMP, startedAt, startedAt);
} else if (!existsSync('dist/src/cli.js')) {
  console.error('Nothing is built and the build tools are not installed: run `npm ci` (with development dependencies).');
  process.exit(1);
}
