// `npm run probe`: in a copy of the tree the generator makes features and fields with every type, and what it makes must be green without an edit:
// types, lint, format, document, migrations, generated files and the new tests; taken back, the copy is the tree again.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = process.cwd();
const SKIPPED = new Set(['node_modules', '.git', '.data', 'coverage']);
const copy = mkdtempSync(join(tmpdir(), 'quotidian-probe-'));
let failed = false;

for (const name of readdirSync(ROOT)) if (!SKIPPED.has(name)) cpSync(join(ROOT, name), join(copy, name), { recursive: true, preserveTimestamps: true });
symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
const before = texts();

const EVERY_TYPE =
  'label:text{min=1,max=80} email:email? vip:bool{default=false} since:date? rate:number{min=0,max=1,default=0.5} kind:enum(person|company){default=person} token:uuid? data:json? balance:int{default=-5}';
g('feature', 'probe-customers', EVERY_TYPE, '--no-finish');
g('feature', 'probe-labels', 'name:text{min=2}! rank:int?', '--no-owned', '--no-finish');
g(
  'feature',
  'probe-invoices',
  'amount:int{min=0} number:text! code:int?! note:text? paidAt:timestamptz? customer:ref(users) probe:ref(probe_customers)',
  '--metered',
  '--cost=2',
  '--no-finish',
);
g('setting', 'users.probe', 'int{min=1,default=5}', '--description=Of the probe.', '--no-finish');
g('job', 'users.probe', '0 3 * * *', '--no-finish');
g('command', 'probe:run', '--description=Of the probe.', '--no-finish');
g('field', 'probe-invoices', 'dueOn:date? token:uuid?! priority:int{min=1,max=5,default=3} other:ref(probe_labels)?');
const PARTS =
  /^(src\/users\/(users\.(settings|module)|probe\.job)\.ts|src\/cli(\/probe-run)?\.ts|test\/(users\/probe\.job|cli\/probe-run)\.e2e-spec\.ts|README\.md)$/;
const names = ['probe-customers', 'probe-invoices', 'probe-labels'];
const migrations = readdirSync(join(copy, 'migrations')).filter((name) => name.includes('probe-'));
const touched = [
  ...names.flatMap((name) => [`src/${name}`, `test/${name}`]),
  ...migrations.map((name) => `migrations/${name}`),
  'src/users',
  'src/cli',
  'src/cli.ts',
  'test/users/probe.job.e2e-spec.ts',
  'test/cli/probe-run.e2e-spec.ts',
];

const TSC = 'node_modules/typescript7/bin/tsc';
check('types', process.execPath, TSC, '--noEmit', '-p', 'tsconfig.json');
check('types of tests', process.execPath, TSC, '--noEmit', '-p', 'test/tsconfig.json');
check('types of the client', process.execPath, TSC, '--noEmit', '-p', 'packages/client/tsconfig.json');
check('lint', 'npx', 'eslint', '--max-warnings', '0', ...touched, 'src/app.module.ts', 'packages/client/src');
check(
  'format',
  'npx',
  'prettier',
  '--check',
  ...touched,
  'README.md',
  'docs',
  'src/app.module.ts',
  'src/openapi',
  'packages/client/src/idempotency-keys.ts',
  'openapi.json',
);
check('OpenAPI', 'npm', 'run', '--silent', 'openapi:check');
check('client', 'npm', 'run', '--silent', 'client:check');
check('migrations', 'npm', 'run', '--silent', 'migration:check');
check('error pages', 'npm', 'run', '--silent', 'errors:check');
check('reference', 'npm', 'run', '--silent', 'reference:check');
check('house', 'npx', 'jest', '--selectProjects', 'unit', '--runTestsByPath', 'test/words.spec.ts', 'test/architecture.spec.ts', 'test/documents.spec.ts');
check(
  'new tests',
  'npx',
  'jest',
  '--selectProjects',
  'e2e',
  '--runTestsByPath',
  ...names.map((name) => `test/${name}/${name}.e2e-spec.ts`),
  'test/users/probe.job.e2e-spec.ts',
  'test/cli/probe-run.e2e-spec.ts',
);

for (const name of ['probe-invoices', 'probe-labels']) g('undo', name, '--no-finish');
g('undo', 'probe-customers');
const left = [...texts()].filter(([path, text]) => before.get(path) !== text && !PARTS.test(path)).map(([path]) => path);
report('taken back', left.length === 0, left.join('\n'));
rmSync(copy, { recursive: true, force: true });
process.exit(failed ? 1 : 0);

function g(...args) {
  check(`g ${args.slice(0, 2).join(' ')}`, process.execPath, 'packages/schematics/cli.cjs', ...args);
}

function check(what, command, ...args) {
  const startedAt = Date.now();
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: copy, encoding: 'utf8', maxBuffer: 64 * 1_024 * 1_024 });
  report(`${what} (${((Date.now() - startedAt) / 1_000).toFixed(1)} s)`, status === 0, `${stdout}${stderr}`.slice(-6_000));
}

function report(what, passed, output) {
  console.log(`${passed ? 'ok  ' : 'FAIL'} ${what}`);
  if (!passed) console.log(output);
  failed ||= !passed;
}

/** What is committed, by path. */
function texts() {
  const found = new Map();
  for (const entry of readdirSync(copy, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name).slice(copy.length + 1);
    if (entry.isFile() && !/^(node_modules|dist|coverage|packages\/client\/dist)\b/.test(path)) found.set(path, readFileSync(join(copy, path), 'utf8'));
  }
  return found;
}
