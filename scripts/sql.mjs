// `npm run sql` writes every statement that the service prepares, and the schema that the migrations leave, to sql/, for people to read and
// diffs to show. `npm run sql:check` (`--check`) refuses what is not up to date.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { format } from 'sql-formatter';
import { schemaOf } from './schema.mjs';
import { built, withEmptyServer } from './with-database.mjs';

const FOLDER = 'sql';
const check = process.argv.includes('--check');
const require = createRequire(import.meta.url);

const files = new Map(statements().map(({ name, text }) => [`${name.replaceAll(' ', '-')}.sql`, `-- ${name}\n${formatted(text)}\n`]));
await withEmptyServer(async (url) => {
  await built('database/migrate.js').migrate(url);
  files.set('schema.sql', await schemaOf(url));
});

mkdirSync(FOLDER, { recursive: true });
const stale = readdirSync(FOLDER).filter((name) => !files.has(name));
const changed = [...files].filter(([name, text]) => read(name) !== text).map(([name]) => name);
if (check) {
  for (const name of [...stale, ...changed]) console.log(`sql/${name} is not what the service prepares: npm run sql, and commit it.`);
  process.exit(stale.length + changed.length === 0 ? 0 : 1);
}
for (const name of stale) rmSync(join(FOLDER, name));
for (const [name, text] of files) writeFileSync(join(FOLDER, name), text);
console.log(`${files.size} files, ${changed.length} changed, ${stale.length} removed`);

/** Loaded modules note what they prepare. */
function statements() {
  const { preparedStatements } = built('database/prepared-statements.js');
  const root = join(process.cwd(), 'dist/src');
  const modules = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => /\.repository\.js$|^database\/statement-pool\.js$/.test(name));
  for (const name of modules) require(join(root, name));
  return preparedStatements();
}

function formatted(text) {
  return format(text, { language: 'postgresql', keywordCase: 'preserve', expressionWidth: 100, linesBetweenQueries: 1 });
}

function read(name) {
  try {
    return readFileSync(join(FOLDER, name), 'utf8');
  } catch {
    return null;
  }
}
