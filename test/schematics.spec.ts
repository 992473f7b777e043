import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(__dirname, '..');
/** What a plan reads of the tree. */
const READ = ['src', 'migrations', 'test/support', 'packages/client/src', 'docs/glossary.md', 'README.md', 'openapi.json', 'nest-cli.json', '.prettierrc.json'];
const FIELDS = 'amount:int{min=0} note:text? customer:ref(users)';

/** `npm run g` in a copy of the tree, without what is built afterwards: `scripts/probe.mjs` does that in CI. */
describe('the generator', () => {
  let tree: string;
  beforeAll(() => {
    tree = mkdtempSync(join(tmpdir(), 'quotidian-generator-'));
    for (const path of READ) cpSync(join(ROOT, path), join(tree, path), { recursive: true });
    mkdirSync(join(tree, 'packages/schematics'), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(tree, 'node_modules'));
  });
  afterAll(() => rmSync(tree, { recursive: true, force: true }));

  const g = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, 'packages/schematics/cli.cjs'), ...args, '--no-finish'], {
      cwd: tree,
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };
  /** Every file with its text, but for those of node_modules. */
  const files = () => {
    const texts = new Map<string, string>();
    for (const entry of readdirSync(tree, { recursive: true, withFileTypes: true })) {
      const file = join(entry.parentPath, entry.name);
      if (entry.isFile() && !file.includes('node_modules')) texts.set(file.slice(tree.length + 1), readFileSync(file, 'utf8'));
    }
    return texts;
  };
  const edit = (path: string, change: (text: string) => string) => writeFileSync(join(tree, path), change(readFileSync(join(tree, path), 'utf8')));

  it.each([
    [['feature', 'invoice', 'amount:int'], /"invoice" is no plural/],
    [['feature', 'news', 'amount:int'], /is no plural that is known here.*--singular/],
    [['feature', 'dates', 'amount:int'], /class Date, which JavaScript has already/],
    [['feature', 'utils', 'amount:int'], /no name of a folder here/],
    [['feature', `gue${'sts'}`, 'amount:int'], /is not used in names here/],
    [['feature', '../escapes', 'amount:int'], /is no name: letters, digits and dashes/],
    [['feature', 'tiers', 'amount:int'], /src\/tiers\/ is there already/],
    [['feature', 'requests', 'amount:int'], /class Request, which JavaScript has already/],
    [['feature', 'notes'], /No field is given/],
    [['feature', 'notes', 'amount'], /"amount" is no field: name:type/],
    [['feature', 'notes', 'amount:money'], /there is no type money: write number/],
    [['feature', 'notes', 'amount:integer'], /there is no type integer: write int/],
    [['feature', 'notes', 'amount:int{min=5,max=1}'], /min is above max/],
    [['feature', 'notes', 'amount:int{min=0,default=-1}'], /the default -1 is out of its bounds/],
    [['feature', 'notes', 'amount:int{default=many}'], /default must be a whole number/],
    [['feature', 'notes', 'amount:int{size=5}'], /int has no option size, only min, max, default/],
    [['feature', 'notes', 'open:bool{default=yes}'], /the default of a bool is true or false/],
    [['feature', 'notes', 'state:enum(open)'], /an enum has 2 to 50 values/],
    [['feature', 'notes', 'state:enum(open|closed){default=gone}'], /"gone" is none of open, closed/],
    [['feature', 'notes', 'order:int'], /"order" is reserved by PostgreSQL/],
    [['feature', 'notes', 'class:int'], /"class" is reserved by JavaScript/],
    [['feature', 'notes', 'id:int'], /"id" is there already/],
    [['feature', 'notes', 'amount:int amount:text'], /"amount" is there twice/],
    [['feature', 'notes', 'buyer:ref(buyers)'], /there is no table buyers\. Tables: .*users/],
    [['feature', 'notes', 'call:ref(requests)'], /the key of requests is no integer id/],
    [['feature', 'notes', 'open:bool!'], /! \(unique\) is for text, email, .*, and not for bool/],
    [['feature', 'notes', 'label:text!{max=5}'], /"label:text!\{max=5\}" is no field/],
    [['feature', 'notes', 'label:text{max=2000}!'], /a unique text has 500 characters at most/],
    [['feature', 'notes', 'number:int{default=5}!'], /a unique field has no default/],
    [['feature', 'notes', 'number:int{min=1,max=9}!'], /a unique number has 1000 values and more/],
    [['feature', 'notes', 'amount:int', '--cost=2'], /--cost is of a metered feature/],
    [['feature', 'notes', 'amount:int', '--metered', '--cost=none'], /no number of units/],
    [['feature', 'notes', 'amount:int', '--metered', '--no-owned'], /--metered needs --owned/],
    [['feature', 'notes', 'amount:int', 'text:text'], /is left over: the fields are one argument/],
    [['feature', 'notes', 'amount:int', '--colour'], /colour/],
    [['field', 'notes', 'amount:int'], /no feature notes that this generator made/],
    [['undo', 'tiers'], /src\/tiers\/ was not made by this generator/],
    [['setting', 'users', 'int{default=1}'], /no key of a setting/],
    [['setting', 'nobody.max', 'int{default=1}', '--description=x'], /src\/nobody\/nobody\.settings\.ts is not there/],
    [['setting', 'users.max', 'int', '--description=x'], /A setting has a default/],
    [['setting', 'users.max', 'int{default=1}'], /needs a description/],
    [['job', 'users.remind', 'daily'], /no schedule: five fields of cron/],
    [['job', 'nobody.remind', '0 3 * * *'], /a job belongs to a feature/],
    [['command', 'Users Purge'], /no command: small letters/],
    [['command', 'users:purge'], /needs a description/],
    [['scaffold', 'notes'], /There is no scaffold: it is one of feature, field, undo/],
  ])('refuses %j in one line, with exit code 2, and writes nothing', (args, message) => {
    const before = files();
    const { status, stdout, stderr } = g(...args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(files()).toEqual(before);
  });

  it('shows by --dry-run a diff that git applies, and which is what it then writes', () => {
    const before = files();
    const { status, stdout } = g('feature', 'invoices', FIELDS, '--dry-run');
    expect(status).toBe(0);
    expect(files()).toEqual(before);
    const check = spawnSync('git', ['apply', '--check', '-'], { cwd: tree, input: stdout, encoding: 'utf8' });
    expect([check.stderr, check.status]).toEqual(['', 0]);
    g('feature', 'invoices', FIELDS);
    const added = [...files()].filter(([path]) => !before.has(path)).map(([path]) => path.replace(/\d{13}/, 'N'));
    const shown = [...stdout.matchAll(/^new file mode 100644\n--- \/dev\/null\n\+\+\+ b\/(.*)$/gm)].map(([, path]) => path.replace(/\d{13}/, 'N'));
    expect(added.sort()).toEqual(shown.sort());
  });

  it('is what npx nest calls for a definition that a shell would spoil, with options and an honest exit code', () => {
    const nest = (...args: string[]) =>
      spawnSync(process.execPath, [join(ROOT, 'packages/schematics/nest.cjs'), 'g', ...args], { cwd: tree, encoding: 'utf8', input: '' });
    const shown = nest('feature', 'receipts', FIELDS, '--metered', '--cost=2', '-d');
    expect([shown.status, shown.stderr]).toEqual([0, '']);
    expect(shown.stdout).toContain('+++ b/src/receipts/receipts.module.ts');
    expect(shown.stdout).toContain('+  @ForeignKey(');
    const refused = nest('feature', 'notes', 'buyer:ref(buyers)');
    expect([refused.status, refused.stdout, refused.stderr]).toEqual([2, '', expect.stringContaining('there is no table buyers') as string]);
  });

  it('has nothing to do for a feature that is there, and refuses to make it otherwise', () => {
    const before = files();
    expect(g('feature', 'invoices', FIELDS)).toMatchObject({ status: 0, stdout: expect.stringContaining('nothing to do') as string });
    expect(g('feature', 'invoices', 'amount:int')).toMatchObject({ status: 2, stderr: expect.stringContaining('field invoices') as string });
    expect(g('feature', 'invoices', FIELDS, '--metered')).toMatchObject({ status: 2, stderr: expect.stringContaining('undo invoices') as string });
    expect(files()).toEqual(before);
  });

  it('adds a field beside edits, and refuses where both touch one place', () => {
    edit('src/invoices/invoices.controller.ts', (text) => text.replace('/** One invoice. */', '/** One invoice, as its owner sees it. */'));
    expect(g('field', 'invoices', 'dueOn:date?')).toMatchObject({ status: 0 });
    expect(files().get('src/invoices/invoices.controller.ts')).toContain('as its owner sees it');
    expect(files().get('src/invoices/entities/invoice.entity.ts')).toContain('dueOn: string | null;');
    const before = files();
    expect(g('field', 'invoices', 'dueOn:date?')).toMatchObject({ status: 0, stdout: expect.stringContaining('nothing to do') as string });
    expect(g('field', 'invoices', 'dueOn:text?')).toMatchObject({ status: 2, stderr: expect.stringContaining('has a field dueOn already') as string });
    expect(g('field', 'invoices', 'late:bool')).toMatchObject({ status: 2, stderr: expect.stringContaining('give it a default') as string });
    expect(files()).toEqual(before);
    edit('src/invoices/entities/invoice.entity.ts', (text) => text.replace('dueOn: string | null;\n', 'dueOn: string | null;\n\n  // A place for more.\n'));
    expect(g('field', 'invoices', 'late:bool{default=false}')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('was edited where the field belongs') as string,
    });
  });

  it('makes a constraint of what is unique, among the rows of a user or of all, and of a field that is added later without a lock', () => {
    expect(g('feature', 'parcels', 'code:text{min=2}! weight:int?').status).toBe(0);
    expect(g('feature', 'depots', 'code:text!', '--no-owned').status).toBe(0);
    expect(g('field', 'parcels', 'label:uuid?!').status).toBe(0);
    const texts = [...files()];
    const text = (path: RegExp) => texts.find(([name]) => path.test(name))?.[1];
    expect(text(/-create-parcels\.ts$/)).toContain('CONSTRAINT parcels_code_key UNIQUE (user_id, code)');
    expect(text(/-create-depots\.ts$/)).toContain('CONSTRAINT depots_code_key UNIQUE (code)');
    expect(text(/parcel\.entity\.ts$/)).toContain("@Unique('parcels_label_key', ['userId', 'label'])");
    expect(text(/-validate-label-to-parcels\.ts$/)).toContain('ADD CONSTRAINT parcels_label_key UNIQUE USING INDEX parcels_label_key');
    expect(text(/parcels\.controller\.ts$/)).toContain('@Fails(LimitReached, ValueTaken)');
    for (const name of ['parcels', 'depots']) expect(g('undo', name).status).toBe(0);
  });

  it('takes back nothing that was edited, or that something else refers to', () => {
    const before = files();
    expect(g('undo', 'invoices')).toMatchObject({ status: 2, stderr: expect.stringContaining('Edited since: src/invoices/invoices.controller.ts') as string });
    expect(files()).toEqual(before);
  });

  it('takes back a feature whole, so that nothing is left of it', () => {
    const before = files();
    g('feature', 'shelves', 'label:text{min=1}', '--no-owned');
    expect(g('feature', 'novels', 'name:text shelf:ref(shelves)', '--metered').status).toBe(0);
    g('field', 'novels', 'pages:int{min=1}? second:ref(shelves)?');
    expect(g('undo', 'shelves')).toMatchObject({ status: 2, stderr: expect.stringContaining('take that back first') as string });
    expect(g('undo', 'novels').status).toBe(0);
    expect(g('undo', 'shelves').status).toBe(0);
    expect(files()).toEqual(before);
    expect(existsSync(join(tree, 'src/novels'))).toBe(false);
    expect(g('undo', 'novels')).toMatchObject({ status: 0, stdout: expect.stringContaining('nothing to do') as string });
  });

  it('makes settings, jobs and commands, each once', () => {
    const calls = [
      ['setting', 'users.maxNotes', 'int{min=1,max=50,default=5}', '--description=How many notes a user may have.', '--public'],
      ['job', 'users.remind', '0 3 * * *'],
      ['command', 'users:purge', '--description=Removes what nobody needs.'],
    ];
    for (const call of calls) expect(g(...call)).toMatchObject({ status: 0, stderr: '' });
    const texts = files();
    expect(texts.get('src/users/users.settings.ts')).toContain(
      "key: 'users.maxNotes',\n    schema: { type: 'integer', minimum: 1, maximum: 50 },\n    default: 5,",
    );
    expect(texts.get('src/users/users.module.ts')).toMatch(/providers: \[\s*RemindJob,/);
    expect(texts.get('src/cli/commands.ts')).toContain("'users:purge': () => import('./users-purge.js'),");
    for (const call of calls) expect(g(...call)).toMatchObject({ status: 0, stdout: expect.stringContaining('nothing to do') as string });
    expect(files()).toEqual(texts);
  });

  it('makes features of templates that were ejected', () => {
    expect(g('eject').status).toBe(0);
    mkdirSync(join(tree, 'packages/schematics'), { recursive: true });
    cpSync(join(ROOT, 'packages/schematics/lib'), join(tree, 'packages/schematics/lib'), { recursive: true });
    edit('templates/feature/module.cjs', (text) => text.replace('@Module({', '// Of this house.\n@Module({'));
    expect(g('feature', 'shelves', 'label:text{min=1}').status).toBe(0);
    expect(files().get('src/shelves/shelves.module.ts')).toContain('// Of this house.');
    expect(g('eject')).toMatchObject({ status: 0, stdout: expect.stringContaining('nothing to do') as string });
  });
});
