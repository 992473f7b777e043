const { spawn } = require('node:child_process');
const { readdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { addPages, emit, isBuilt } = require('./emit.cjs');

/** @typedef {import('./diff.cjs').Changes} Changes */

const BUILD = 'node scripts/build-if-stale.mjs';
const CHECK = 'node node_modules/typescript7/bin/tsc --noEmit -p tsconfig.json';
/** What is generated of the code, and committed with it: the document and what is made of it; the schema, in a database of its own. */
const DOCUMENT = [
  'node dist/src/cli.js openapi --out openapi.json',
  'npm run --silent client:generate',
  'node scripts/errors.mjs',
  'node scripts/reference.mjs',
];
const SCHEMA = ['node scripts/sql.mjs'];

/**
 * Makes anew what is generated of the code, when the changes are written.
 * @param {string} root
 * @param {{ changes: Changes, wasBuilt: boolean, print: (line: string) => void }} options `wasBuilt`: by `isBuilt`, before they were
 * @throws Error with what a step printed
 */
async function finish(root, { changes, wasBuilt, print }) {
  const takeBack = remembered(root);
  let startedAt = Date.now();
  const done = (/** @type {string} */ what) => {
    print(`  ${what} (${((Date.now() - startedAt) / 1_000).toFixed(1)} s)`);
    startedAt = Date.now();
  };
  try {
    if (wasBuilt) emit(root, changes);
    else await inOrder(root, [BUILD]);
    done('built');
    await allOrFirst([inOrder(root, DOCUMENT), inOrder(root, SCHEMA), inOrder(root, wasBuilt ? [CHECK] : [])]);
    addPages(root);
    done('openapi.json, types of the client, sql/, pages of errors and reference');
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

/** @param {string} cwd @param {string[]} commands */
async function inOrder(cwd, commands) {
  for (const command of commands) await succeed(cwd, command);
}

/** @param {string} cwd @param {string} command @returns {Promise<void>} */
function succeed(cwd, command) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, { cwd, shell: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += String(chunk)));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${command} failed:\n${text.trim().slice(-4_000)}`))));
  });
}

module.exports = { finish, isBuilt };
