const { mkdirSync, readdirSync, renameSync, rmSync, rmdirSync, writeFileSync } = require('node:fs');
const { dirname, join } = require('node:path');

/** @typedef {import('./diff.cjs').Changes} Changes */

/**
 * Makes all changes, or none. Returns what takes them back.
 * @param {string} root
 * @param {Changes} changes
 * @returns {() => void}
 */
function write(root, changes) {
  /** @type {string[]} */
  const done = [];
  const back = () => {
    for (const path of done.reverse()) put(root, path, /** @type {{ before: string | null }} */ (changes.get(path)).before);
  };
  try {
    for (const [path, { after }] of changes) {
      done.push(path);
      put(root, path, after);
    }
  } catch (error) {
    back();
    throw error;
  }
  return back;
}

/** @param {string} root @param {string} path @param {string | null} text */
function put(root, path, text) {
  const file = join(root, path);
  if (text === null) {
    rmSync(file, { force: true });
    return removeEmpty(root, dirname(path));
  }
  mkdirSync(dirname(file), { recursive: true });
  // By a rename: who reads beside sees the one or the other, never a half.
  writeFileSync(`${file}.writing`, text);
  renameSync(`${file}.writing`, file);
}

/** Folders that the last file has left. @param {string} root @param {string} folder */
function removeEmpty(root, folder) {
  if (folder.split('/').length < 2) return;
  try {
    if (readdirSync(join(root, folder)).length > 0) return;
    rmdirSync(join(root, folder));
  } catch {
    return;
  }
  removeEmpty(root, dirname(folder));
}

module.exports = { write };
