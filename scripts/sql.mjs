// `npm run sql` writes every statement that the service prepares, and the schema that the migrations leave, to sql/, for people to read and
// diffs to show. `npm run sql:check` (`--check`) refuses what is not up to date.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { format } from 'sql-formatter';
import { holds } from './alike.mjs';
import { built } from './built.mjs';
import { isMain } from './is-main.mjs';
import { withKeptServer } from './migrated-server.mjs';
import { schemaOf } from './schema.mjs';
import { withEmptyServer } from './with-database.mjs';

const FOLDER = 'sql';
const require = createRequire(import.meta.url);

/**
 * Writes the files, or with `check` only looks at them.
 * @param {{ check?: boolean, schema?: Promise<string> }} [options] `schema`: by `schemaText`, where it is under way already
 * @returns {Promise<{ stale: string[], count: number }>}
 */
export async function writeSql({ check = false, schema = schemaText() } = {}) {
  const stale = [];
  const statements = preparedStatements().map(({ name, text }) => ({ path: join(FOLDER, `${name.replaceAll(' ', '-')}.sql`), name, text }));
  mkdirSync(FOLDER, { recursive: true });
  for (const { path, name, text } of statements) {
    if (!check && holds(path, `-- ${name}\n${text}`)) continue;
    settle(path, `-- ${name}\n${formatted(text)}\n`);
  }
  const schemaPath = join(FOLDER, 'schema.sql');
  settle(schemaPath, await schema);
  const known = new Set([schemaPath, ...statements.map(({ path }) => path)]);
  for (const path of readdirSync(FOLDER).map((name) => join(FOLDER, name))) {
    if (known.has(path)) continue;
    stale.push(path);
    if (!check) rmSync(path);
  }
  return { stale, count: known.size };

  function settle(path, text) {
    if (read(path) === text) return;
    stale.push(path);
    if (!check) writeFileSync(path, text);
  }
}

/** The schema that the migrations leave. */
export async function schemaText() {
  // Another release's programs keep nothing.
  const known = process.env.TEST_PG_BIN_DIR === undefined ? await withKeptServer(schemaOf) : undefined;
  if (known !== undefined) return known;
  return withEmptyServer(async (url) => {
    await built('database/migrate.js').migrate(url);
    return schemaOf(url);
  });
}

/** Loaded modules note what they prepare. */
function preparedStatements() {
  const { preparedStatements: noted } = built('database/prepared-statements.js');
  const root = join(process.cwd(), 'dist/src');
  const modules = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => /\.repository\.js$|^database\/statement-pool\.js$/.test(name));
  for (const name of modules) require(join(root, name));
  return noted();
}

function formatted(text) {
  return format(text, { language: 'postgresql', keywordCase: 'preserve', expressionWidth: 100, linesBetweenQueries: 1 });
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

if (isMain(import.meta.url)) {
  const check = process.argv.includes('--check');
  const { stale, count } = await writeSql({ check });
  if (check) for (const path of stale) console.log(`${path} is not what the service prepares: npm run sql, and commit it.`);
  else console.log(`${count} files, ${stale.length} changed`);
  process.exit(check && stale.length > 0 ? 1 : 0);
}
