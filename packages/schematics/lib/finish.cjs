const { fork, spawn } = require('node:child_process');
const { readdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { isFresh } = require('../../../scripts/build-stamp.cjs');

/** @typedef {import('./diff.cjs').Changes} Changes */

/** All types of the tree: what has not changed since it was checked before is not checked again. */
const CHECK = [
  'node_modules/typescript7/bin/tsc',
  ...['--noEmit', '-p', 'tsconfig.json', '--incremental', '--tsBuildInfoFile', 'node_modules/.cache/quotidian/types.tsbuildinfo'],
];

/** Starts the process that finishes, which is a second earlier to be ready while a plan is made. @param {string} root */
function prepare(root) {
  return fork(join(__dirname, '../finish.mjs'), { cwd: root, silent: true });
}

/**
 * Makes anew what is generated of the code, when the changes are written.
 * @param {string} root
 * @param {{ changes: Changes, wasBuilt: boolean, print: (line: string) => void, by?: import('node:child_process').ChildProcess }} options `wasBuilt`: by
 *   `isBuilt`, before they were; `by`: of `prepare`
 * @throws Error with what a step printed
 */
async function finish(root, { changes, wasBuilt, print, by = prepare(root) }) {
  const takeBack = remembered(root);
  let startedAt = Date.now();
  const done = (/** @type {string} */ what) => {
    print(`  ${what} (${((Date.now() - startedAt) / 1_000).toFixed(1)} s)`);
    startedAt = Date.now();
  };
  try {
    const checked = wasBuilt ? succeed(root, CHECK) : Promise.resolve();
    const made = carryOut(by, { root, changes: [...changes], wasBuilt }, () => done('built'));
    await allOrFirst([checked, made]);
    done('types checked; openapi.json, types of the client, sql/, pages of errors and reference');
  } catch (error) {
    takeBack();
    throw error;
  }
}

/** What is generated, as it is now. Returns what puts it back. @param {string} root @returns {() => void} */
function remembered(root) {
  const paths = () => [
    'openapi.json',
    'packages/client/src/schema.ts',
    ...['sql', 'docs/errors', 'docs/reference'].flatMap((folder) => readdirSync(join(root, folder)).map((name) => `${folder}/${name}`)),
  ];
  const texts = new Map(paths().map((path) => [path, readFileSync(join(root, path), 'utf8')]));
  return () => {
    for (const path of paths()) if (!texts.has(path)) rmSync(join(root, path));
    for (const [path, text] of texts) writeFileSync(join(root, path), text);
  };
}

/** Waits for all, so that nothing is still at work when the first failure is thrown. @param {Promise<void>[]} works */
async function allOrFirst(works) {
  const outcomes = await Promise.allSettled(works);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

/**
 * @param {import('node:child_process').ChildProcess} child of `prepare`
 * @param {object} task
 * @param {() => void} onBuilt
 * @returns {Promise<void>}
 */
function carryOut(child, task, onBuilt) {
  return new Promise((resolve, reject) => {
    const lines = gathered(child);
    child.on('message', (/** @type {{ built?: boolean, failure?: string }} */ { built, failure }) => {
      if (built) return onBuilt();
      if (failure) reject(new Error(failure.slice(-4_000)));
      else resolve();
    });
    child.once('error', reject);
    child.once('close', () => reject(new Error(`What is generated could not be made:\n${lines().slice(-4_000)}`)));
    child.send(task);
  });
}

/** @param {string} cwd @param {string[]} script with its arguments @returns {Promise<void>} */
function succeed(cwd, script) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, script, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const lines = gathered(child);
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${script[0]} failed:\n${lines().slice(-4_000)}`))));
  });
}

/** What a process prints, until now. @param {import('node:child_process').ChildProcess} child @returns {() => string} */
function gathered(child) {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (text += String(chunk)));
  return () => text.trim();
}

module.exports = { finish, isBuilt: isFresh, prepare };
