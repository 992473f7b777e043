import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { passwordFromFile } from './password-file';

describe('the password file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'quotidian-passfile-'));
  const path = join(folder, 'pgpass');
  afterAll(() => rmSync(folder, { recursive: true }));
  const login = { host: 'db', port: 5432, database: 'quotidian', user: 'me' };

  it('gives the first line that fits, with what is escaped in it', () => {
    writeFileSync(path, ['# a comment', 'other:5432:*:me:no', 'db:*:quotidian:me:a\\:b\\\\c', '*:*:*:*:last', ''].join('\n'));
    expect(passwordFromFile(login, path)).toBe('a:b\\c');
    expect(passwordFromFile({ ...login, host: 'elsewhere' }, path)).toBe('last');
    writeFileSync(path, 'localhost:5432:quotidian:me:by socket');
    expect(passwordFromFile({ ...login, host: '/run/postgresql' }, path)).toBe('by socket');
    expect(passwordFromFile(login, path)).toBeUndefined();
    expect(passwordFromFile(login, join(folder, 'nothing'))).toBeUndefined();
  });
});
