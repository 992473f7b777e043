import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const require = createRequire(import.meta.url);

/** Builds the service when its sources are newer. What is measured and broken here is what production runs. `BENCH_BUILD=false` takes what is built. */
export function build() {
  if (process.env.BENCH_BUILD === 'false') return;
  const { status } = spawnSync(process.execPath, [join(ROOT, 'scripts/build-if-stale.mjs')], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('The service does not build.');
}

/** A module of the built service, such as `api-keys/key-format`. */
export function built(path) {
  return require(join(ROOT, 'dist/src', path));
}
