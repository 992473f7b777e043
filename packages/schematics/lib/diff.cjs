const { spawnSync } = require('node:child_process');
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

/** @typedef {Map<string, { before: string | null, after: string | null }>} Changes */

/** The changes as one unified diff, which `git apply` takes. @param {Changes} changes */
function diffOf(changes) {
  const folder = mkdtempSync(join(tmpdir(), 'quotidian-diff-'));
  try {
    return [...changes].map(([path, { before, after }]) => diffOfFile(folder, path, before, after)).join('');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function diffOfFile(folder, path, before, after) {
  const [was, is] = [join(folder, 'was'), join(folder, 'is')];
  writeFileSync(was, before ?? '');
  writeFileSync(is, after ?? '');
  const { stdout } = spawnSync('git', ['diff', '--no-index', '--no-color', '--no-ext-diff', '-U3', '--', was, is], { encoding: 'utf8' });
  const hunks = stdout.slice(stdout.indexOf('@@'));
  if (!stdout.includes('@@')) return '';
  const mode = before === null ? 'new file mode 100644\n' : after === null ? 'deleted file mode 100644\n' : '';
  return `diff --git a/${path} b/${path}\n${mode}--- ${before === null ? '/dev/null' : `a/${path}`}\n+++ ${after === null ? '/dev/null' : `b/${path}`}\n${hunks}`;
}

/**
 * What both made of a common base; null: they touched the same place.
 * @param {string} ours
 * @param {string} base
 * @param {string} theirs
 * @returns {string | null}
 */
function merged(ours, base, theirs) {
  const folder = mkdtempSync(join(tmpdir(), 'quotidian-merge-'));
  try {
    const files = Object.entries({ ours, base, theirs }).map(([name, text]) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    });
    const { status, stdout } = spawnSync('git', ['merge-file', '-p', '-q', ...files], { encoding: 'utf8' });
    return status === 0 ? stdout : null;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

module.exports = { diffOf, merged };
