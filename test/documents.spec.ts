import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const folders = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));

/** Links and names of files in all Markdown are checked by scripts/links.mjs. */
describe('the documents', () => {
  it('walk through files that are there', () => {
    const named = [...read('docs/architecture.md').matchAll(/`((?:src|test|sql|packages)\/[\w./-]+\.\w+)`/g)].map(([, path]) => path);
    expect(named.length).toBeGreaterThan(50);
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('have every folder of src/ on the map', () => {
    const readme = read('README.md');
    const map = readme.slice(readme.indexOf('## The map'), readme.indexOf('## The command'));
    const named = new Set([...map.matchAll(/`(?:src\/)?([\w-]+)\/`/g)].map(([, name]) => name));
    expect(folders.filter((name) => !named.has(name))).toEqual([]);
  });

  it('count the texts of the charge rightly: a decision states how many there can be', () => {
    const [, parts] = /interface ChargeParts \{(.*?)\n\}/s.exec(read('src/ledger/charge.sql.ts')) ?? [];
    const flags = [...parts.matchAll(/: boolean;/g)].length;
    expect(read('docs/decisions/003-idle-parts-are-left-out.md')).toContain(`${2 ** flags} possible texts`);
  });
});
