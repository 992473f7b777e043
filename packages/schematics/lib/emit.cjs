const { cpSync, existsSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const STAMP = 'dist/.built';
/** As in scripts/build-if-stale.mjs. */
const INPUTS = ['src', 'migrations', 'docs/errors', 'package.json', 'nest-cli.json', 'tsconfig.json', 'tsconfig.build.json'];

/** @param {string} path @returns {number} */
function newest(path) {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  return stat.isDirectory() ? Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name)))) : stat.mtimeMs;
}

/** Whether what is built is what the tree holds; to be asked before anything is written. @param {string} root */
function isBuilt(root) {
  const stamp = join(root, STAMP);
  return (
    existsSync(stamp) && existsSync(join(root, 'dist/src/cli.js')) && statSync(stamp).mtimeMs >= Math.max(...INPUTS.map((input) => newest(join(root, input))))
  );
}

/**
 * Compiles what changed, and nothing else, into a build that was up to date: a tenth of the time of a whole one. Types are checked
 * beside, by the whole tree's own check.
 * @param {string} root
 * @param {import('./diff.cjs').Changes} changes
 */
function emit(root, changes) {
  const ts = require('typescript');
  const { before: plugin } = require('@nestjs/swagger/plugin');
  const sources = [...changes].filter(([path]) => /^(src|migrations)\/.*(?<!\.spec)\.ts$/.test(path));
  for (const [path, { after }] of sources)
    if (after === null) for (const end of ['.js', '.js.map']) rmSync(join(root, 'dist', path.replace(/\.ts$/, end)), { force: true });
  const files = sources.filter(([, { after }]) => after !== null).map(([path]) => join(root, path));
  const { config } = ts.readConfigFile(join(root, 'tsconfig.build.json'), (path) => ts.sys.readFile(path));
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files }, ts.sys, root);
  // What they import is built: no file is read but these.
  const program = ts.createProgram(files, { ...options, noResolve: true, incremental: false, tsBuildInfoFile: undefined, types: [], noEmitOnError: false });
  const { options: swagger } = require(join(root, 'nest-cli.json')).compilerOptions.plugins[0];
  const { emitSkipped } = program.emit(undefined, undefined, undefined, false, { before: [plugin(swagger, program)] });
  if (emitSkipped) throw new Error('What was written could not be compiled.');
  stamp(root);
}

/** Notes that what is built is what the tree holds now. @param {string} root */
function stamp(root) {
  writeFileSync(join(root, STAMP), '');
  // A Date has no fractions of a millisecond, and files have.
  const at = new Date(1 + Math.max(...INPUTS.map((input) => newest(join(root, input)))));
  utimesSync(join(root, STAMP), at, at);
}

/** Pages of errors are part of what is built, and written after it. @param {string} root */
function addPages(root) {
  const [pages, built] = [join(root, 'docs/errors'), join(root, 'dist/docs/errors')];
  if (existsSync(built)) cpSync(pages, built, { recursive: true });
  stamp(root);
}

module.exports = { emit, isBuilt, addPages };
