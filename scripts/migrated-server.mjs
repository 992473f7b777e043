import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { built } from './built.mjs';
import { withServer } from './with-database.mjs';

/** A server whose database has the migrations of before, so that the next program runs those that were added since, in a copy, and no others. */
const FOLDER = resolve('node_modules/.cache/quotidian/postgres');
const LOCK = `${FOLDER}.lock`;
const [KEPT, COPY] = ['quotidian', 'with_those_added'];

/**
 * Lends a database with the schema of all migrations, to be read.
 * @template T
 * @param {(url: string) => Promise<T>} work
 * @returns {Promise<T | undefined>} undefined: it is another program's at this moment, or something is wrong with it, and the next one makes it anew
 */
export async function withKeptServer(work) {
  if (!lock()) return undefined;
  try {
    mkdirSync(FOLDER, { recursive: true });
    return await withServer(FOLDER, async (/** @type {string} */ url) => {
      const wanted = ingredients();
      const kept = await keptOf(url);
      const usable = kept.length > 0 && kept.every((line, index) => line === wanted[index]);
      if (!usable) await renew(url, wanted);
      return usable && kept.length < wanted.length ? await inCopy(url, work) : await work(url);
    });
  } catch {
    rmSync(FOLDER, { recursive: true, force: true });
    return undefined;
  } finally {
    rmSync(LOCK, { force: true });
  }
}

/** The database notes itself what is in it. @param {string} url @returns {Promise<string[]>} */
async function keptOf(url) {
  const [{ kept }] = await ask(url, `SELECT shobj_description(oid, 'pg_database') AS kept FROM pg_database WHERE datname = '${KEPT}'`);
  return kept === null ? [] : JSON.parse(kept);
}

/** @param {string} url @param {string[]} list */
async function renew(url, list) {
  await ask(url, `DROP DATABASE ${KEPT}`, `CREATE DATABASE ${KEPT}`);
  await built('database/migrate.js').migrate(url);
  await ask(url, `COMMENT ON DATABASE ${KEPT} IS ${pg.escapeLiteral(JSON.stringify(list))}`);
}

/** @param {string} url @param {(url: string) => Promise<any>} work */
async function inCopy(url, work) {
  await ask(url, `DROP DATABASE IF EXISTS ${COPY}`, `CREATE DATABASE ${COPY} TEMPLATE ${KEPT}`);
  const copy = at(url, COPY);
  await built('database/migrate.js').migrate(copy);
  const result = await work(copy);
  await ask(url, `DROP DATABASE ${COPY}`);
  return result;
}

/** Returns the rows of the last statement. @param {string} url @param {string[]} statements */
async function ask(url, ...statements) {
  const client = new pg.Client({ connectionString: at(url, 'postgres') });
  await client.connect();
  try {
    let rows = [];
    for (const statement of statements) ({ rows } = await client.query(statement));
    return rows;
  } finally {
    await client.end();
  }
}

/** @param {string} url @param {string} database */
function at(url, database) {
  return url.replace(`/${KEPT}?`, `/${database}?`);
}

/** What the schema depends on: each built migration, by name and content. @returns {string[]} */
function ingredients() {
  const migrations = readdirSync('dist/migrations')
    .filter((name) => name.endsWith('.js'))
    .sort();
  return migrations.map((name) => `${name} ${digest(readFileSync(join('dist/migrations', name)))}`);
}

/** One program at a time; one that was killed holds nothing. */
function lock() {
  try {
    mkdirSync(resolve(LOCK, '..'), { recursive: true });
    if (existsSync(LOCK) && !isAlive(Number(readFileSync(LOCK, 'utf8')))) rmSync(LOCK, { force: true });
    writeFileSync(LOCK, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    // Held, or a tree that cannot be written to.
    return false;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function digest(text) {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
