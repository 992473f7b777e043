import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './built.mjs';

/** What changes are held against: the first release, or the commit that BENCH_RELEASE names. */
export const RELEASE = process.env.BENCH_RELEASE ?? 'c61bf3b';

/** The release, built from this repository's history with today's packages. @throws when the history is not here (a shallow clone) */
export function buildRelease(commit = RELEASE) {
  const root = mkdtempSync(join(tmpdir(), `quotidian-${commit}-`));
  process.on('exit', () => rmSync(root, { recursive: true, force: true }));
  const files = execFileSync('git', ['archive', commit], { cwd: ROOT, maxBuffer: 2 ** 28 });
  execFileSync('tar', ['-x', '-C', root], { input: files });
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  const { status, stdout, stderr } = spawnSync(process.execPath, ['node_modules/@nestjs/cli/bin/nest.js', 'build'], { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${commit} does not build: ${stdout}${stderr}`);
  return root;
}
