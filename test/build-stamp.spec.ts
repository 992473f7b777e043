import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

interface BuildStamp {
  isFresh(root: string): boolean;
  stale(root: string): { service: boolean; console: boolean };
  stamp(root: string, at?: Date): void;
}

const { isFresh, stale, stamp } = jest.requireActual<BuildStamp>('../scripts/build-stamp.cjs');

describe('what has to be built', () => {
  let tree: string;
  /** Writes a file, at a minute of its own: nothing depends on how fast the test is. */
  const write = (path: string, minute: number, text = '') => {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
    const at = new Date(2026, 0, 1, 0, minute);
    for (let one = join(tree, path); one !== tree; one = dirname(one)) utimesSync(one, at, at);
  };
  beforeEach(() => {
    tree = mkdtempSync(join(tmpdir(), 'quotidian-stamp-'));
    for (const path of ['src/cli.ts', 'migrations/1-a.ts', 'packages/console/src/a.tsx', 'docs/errors/a.md', 'dist/src/cli.js', 'dist/docs/errors/a.md'])
      write(path, 1);
    stamp(tree, new Date(2026, 0, 1, 0, 2));
  });
  afterEach(() => rmSync(tree, { recursive: true, force: true }));

  it('is nothing, where nothing changed', () => expect(isFresh(tree)).toBe(true));

  it('is all of it, where a source changed or nothing was built', () => {
    write('migrations/2-b.ts', 3);
    expect(stale(tree)).toEqual({ service: true, console: true });
    stamp(tree);
    expect(isFresh(tree)).toBe(true);
    rmSync(join(tree, 'dist/src/cli.js'));
    expect(isFresh(tree)).toBe(false);
  });

  it('is the console alone, where only its pages changed', () => {
    write('packages/console/src/a.tsx', 3);
    expect(stale(tree)).toEqual({ service: false, console: true });
  });

  it('is nothing, where only pages of errors changed: they are copied', () => {
    write('docs/errors/a.md', 3, 'newer');
    expect(isFresh(tree)).toBe(true);
    expect(readFileSync(join(tree, 'dist/docs/errors/a.md'), 'utf8')).toBe('newer');
  });
});
