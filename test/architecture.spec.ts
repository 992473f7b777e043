import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';

const ROOT = join(__dirname, '..');
const SRC = join(ROOT, 'src');
const MAX_LINES = 400;

interface Source {
  /** From the repository's root, with slashes. */
  path: string;
  text: string;
  /** The folder directly below src/; empty for files in src/ itself. */
  folder: string;
  /** What it imports of ours, from the repository's root. */
  imports: string[];
}

function sourcesBelow(folder: string): Source[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => {
      const file = join(entry.parentPath, entry.name);
      const text = readFileSync(file, 'utf8');
      const specifiers = [...text.matchAll(/^(?:import|export)\b[^;]*?\bfrom '(\.[^']+)'|\bimport\('(\.[^']+)'\)/gms)].map((match) => match[1] ?? match[2]);
      const slashed = (path: string) => relative(ROOT, path).split(sep).join('/');
      const path = slashed(file);
      const [, first = '', ...deeper] = path.split('/');
      return { path, text, folder: deeper.length > 0 ? first : '', imports: specifiers.map((specifier) => slashed(join(dirname(file), specifier))) };
    });
}

const source = sourcesBelow(SRC);
const shipped = source.filter(({ path }) => !path.endsWith('.spec.ts'));
/** Which of the files hold the pattern outside comments. */
function pathsWith(files: readonly Source[], pattern: RegExp): string[] {
  return files.filter(({ text }) => pattern.test(text.replace(/^\s*(\/\/|\/?\*).*$/gm, ''))).map(({ path }) => path);
}
const folderOf = (path: string) => (path.split('/').length > 2 ? path.split('/')[1] : '');

/** Folder → the folders that it imports from. */
const directions = new Map<string, Set<string>>();
for (const { folder, imports } of shipped) {
  if (folder === '') continue;
  const targets = directions.get(folder) ?? new Set();
  directions.set(folder, targets);
  for (const path of imports) if (path.startsWith('src/') && folderOf(path) !== folder) targets.add(folderOf(path));
}

/** Names no feature: one that the schematics add passes by being like the others. */
describe('the house', () => {
  it('is read by these rules: files, folders and imports are found', () => {
    expect(shipped.length).toBeGreaterThan(100);
    expect([...directions.values()].reduce((sum, targets) => sum + targets.size, 0)).toBeGreaterThan(30);
  });

  it('has folders that do not depend on each other in circles', () => {
    const circles: string[] = [];
    const visit = (folder: string, trail: string[]) => {
      if (trail.includes(folder)) circles.push([...trail.slice(trail.indexOf(folder)), folder].join(' → '));
      else for (const next of directions.get(folder) ?? []) visit(next, [...trail, folder]);
    };
    for (const folder of directions.keys()) visit(folder, []);
    expect(circles).toEqual([]);
  });

  it.each([
    ['common', []],
    ['config', ['common']],
    ['http', ['common']],
    ['database', ['common', 'config', 'http']],
  ])('lets %s import nothing of ours but %j', (folder, allowed) => {
    expect([...(directions.get(folder) ?? [])].filter((target) => !allowed.includes(target))).toEqual([]);
  });

  it('has features that nobody at the bottom knows, and a root that only entry points import', () => {
    const strays = shipped
      .filter(({ folder, path }) => folder !== '' && !/^src\/cli\//.test(path))
      .flatMap(({ path, imports }) => imports.filter((target) => /^src\/[^/]+$/.test(target)).map((target) => `${path} imports ${target}`));
    expect(strays).toEqual([]);
  });

  it('keeps SQL in repositories, migrations and database/, wherever in a text it stands', () => {
    const sql =
      /\bSELECT\s[^;]{0,400}?\sFROM\s|\bINSERT\s+INTO\s|\bUPDATE\s+\w+(\s\w+)?\s+SET\s|\bDELETE\s+FROM\s|\bWITH\s+\w+\s+AS\s|\bFOR\s+(NO\s+KEY\s+)?UPDATE\b|\b(IS\s+(NOT\s+)?NULL|ORDER\s+BY|GROUP\s+BY|RETURNING)\s+\w|\bnow\(\)\s[-+]\s*(make_)?interval|\.createQueryBuilder\(/;
    const elsewhere = shipped.filter(({ path, folder }) => folder !== 'database' && !/\.(repository|sql|entity)\.ts$/.test(path));
    expect(pathsWith(elsewhere, sql)).toEqual([]);
  });

  it('moves units in ledger/ and nowhere else', () => {
    const moves =
      /\bSET\s(?:(?!\bWHERE\b)[^`])*?\b(api_quota_(used|refunded|requests)_today|refunded_units|removed_(used|refunded|requests))\s*=\s|\b(usedToday|refundedToday|requestsToday|refundedUnits):\s*[^;n]|\bINSERT\s+INTO\s+(requests|quota_usage|quota_events)\b|\b(UPDATE|DELETE\s+FROM)\s+(quota_usage|quota_events)\b|\b(InjectRepository|getRepository)\((Request|QuotaUsage|QuotaEvent)\)/;
    const elsewhere = shipped.filter(({ path, folder }) => folder !== 'ledger' && !path.includes('/dto/') && !path.endsWith('.entity.ts'));
    expect(pathsWith(elsewhere, moves)).toEqual([]);
    expect(
      pathsWith(
        shipped.filter(({ folder }) => folder === 'ledger'),
        moves,
      ).length,
    ).toBeGreaterThan(3);
  });

  it('opens connections in database/ only', () => {
    const elsewhere = shipped.filter(({ folder }) => folder !== 'database');
    expect(pathsWith(elsewhere, /^import (?!type\b|\{ type \w+ \})[^;]*\sfrom 'pg'/m)).toEqual([]);
  });

  it('begins transactions in services, not in repositories', () => {
    const repositories = shipped.filter(({ path }) => path.endsWith('.repository.ts') && path !== 'src/ledger/books.repository.ts');
    expect(pathsWith(repositories, /\.transaction\(|\bcreateQueryRunner\(|\bstartTransaction\(|['"`]\s*BEGIN\b/)).toEqual([]);
  });

  it('begins every transaction in database/, where it is begun again when it was rolled back for the sake of another', () => {
    const begins = /(?:dataSource|manager|tx|connection)\s*\.transaction\(|\.createQueryRunner\(|\.startTransaction\(|\bnew DataSource\(/;
    expect(
      pathsWith(
        shipped.filter(({ folder }) => folder !== 'database'),
        begins,
      ),
    ).toEqual([]);
  });

  it('has no barrels: every import names the file', () => {
    const reexports = shipped.filter(({ path, text }) => basename(path) === 'index.ts' || /^export (\*|\{[^}]*\}) from/m.test(text));
    expect(reexports.map(({ path }) => path)).toEqual([]);
  });

  it('needs no forwardRef', () => {
    expect(shipped.filter(({ text }) => /\bforwardRef\(/.test(text)).map(({ path }) => path)).toEqual([]);
  });

  it('has no file that nobody reads to its end', () => {
    const all = [...source, ...sourcesBelow(join(ROOT, 'migrations')), ...sourcesBelow(join(ROOT, 'test'))];
    const long = all.filter(({ text }) => text.split('\n').length > MAX_LINES + 1);
    expect(long.map(({ path, text }) => `${path}: ${text.split('\n').length}`)).toEqual([]);
  });

  it('has files named <name>.<role>.ts, in kebab case', () => {
    expect(source.filter(({ path }) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*\.ts$/.test(basename(path))).map(({ path }) => path)).toEqual([]);
  });

  it('has routes below v1/, but for those of monitors, of pages and of the test clock', () => {
    const bases = shipped.flatMap(({ text }) => [...text.matchAll(/^@Controller\('([^']*)'\)/gm)].map(([, base = '']) => base));
    expect(bases.length).toBeGreaterThan(10);
    expect(bases.filter((base) => !/^v1(\/|$)/.test(base)).sort()).toEqual(['errors', 'health', 'metrics', 'test/clock']);
  });

  it('has no folder for what found no place', () => {
    const names = new Set(source.flatMap(({ path }) => path.split('/').slice(1, -1)));
    for (const name of ['utils', 'helpers', 'shared', 'core', 'lib', 'manager', 'base', 'misc']) expect(names.has(name)).toBe(false);
  });
});
