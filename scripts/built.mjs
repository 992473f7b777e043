import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { isFresh } from './build-stamp.cjs';

const require = createRequire(import.meta.url);
let known = false;

/** Builds what is stale, once, then loads a module of `dist/src`. */
export function built(module) {
  if (!known && !isFresh('.')) {
    const { status } = spawnSync(process.execPath, ['scripts/build-if-stale.mjs'], { stdio: 'inherit' });
    if (status !== 0) process.exit(status ?? 1);
  }
  known = true;
  return require(join(process.cwd(), 'dist/src', module));
}
