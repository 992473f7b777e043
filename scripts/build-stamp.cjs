// Whether dist/ is what the tree holds, by the times of files: for `build-if-stale.mjs` and for the generator, which compiles what it wrote by itself.
const { cpSync, existsSync, readdirSync, statSync, utimesSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const STAMP = 'dist/.built';
const COMPILED = ['src', 'migrations', 'package.json', 'nest-cli.json', 'tsconfig.json', 'tsconfig.build.json'];
const CONSOLE = ['packages/console/src'];
/** Part of what is built as they are: where they alone changed, nothing is compiled. */
const COPIED = ['docs/errors', 'docs/openapi-examples.json'];

/** When the newest file below was written, in milliseconds; 0: there is none. @param {string} path @returns {number} */
function newest(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  return stat.isDirectory() ? Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name)))) : stat.mtimeMs;
}

/** @param {string} root @param {string[]} inputs */
const newestOf = (root, inputs) => Math.max(...inputs.map((input) => newest(join(root, input))));

/**
 * Which parts have to be built: the service, and the console's pages. What is copied as it is, is copied where it is newer.
 * @param {string} root
 * @returns {{ service: boolean, console: boolean }}
 */
function stale(root) {
  const builtAt = statSync(join(root, STAMP), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (!existsSync(join(root, 'dist/src/cli.js')) || builtAt < newestOf(root, COMPILED)) return { service: true, console: true };
  if (builtAt < newestOf(root, CONSOLE)) return { service: false, console: true };
  if (builtAt < newestOf(root, COPIED)) {
    for (const path of COPIED) if (existsSync(join(root, path))) cpSync(join(root, path), join(root, 'dist', path), { recursive: true });
    stamp(root);
  }
  return { service: false, console: false };
}

/** Whether nothing has to be built. @param {string} root */
function isFresh(root) {
  const parts = stale(root);
  return !parts.service && !parts.console;
}

/** Notes that dist/ is what the tree held at an instant; without one: what it holds now. @param {string} root @param {Date} [at] */
function stamp(root, at) {
  writeFileSync(join(root, STAMP), '');
  // A Date has no fractions of a millisecond, and files have.
  const instant = at ?? new Date(1 + newestOf(root, [...COMPILED, ...CONSOLE, ...COPIED]));
  utimesSync(join(root, STAMP), instant, instant);
}

module.exports = { isFresh, stale, stamp };
