// `npm run migration:check`: the migrations make exactly what the entities say, can be taken back and made again, and
// hold no statement that would be dangerous on a live database (squawk).
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { built } from './built.mjs';
import { withEmptyServer } from './with-database.mjs';

const { DataSource } = createRequire(import.meta.url)('typeorm');
const { Connections } = built('database/connections.js');
const { dataSourceOptions } = built('database/data-source-options.js');
let failed = false;
const check = (what, problems) => {
  console.log(`${problems.length === 0 ? 'ok  ' : 'FAIL'} ${what}`);
  for (const problem of problems) console.log(`     ${problem}`);
  failed ||= problems.length > 0;
};

await withEmptyServer(async (url) => {
  const dataSource = await new DataSource(dataSourceOptions(await Connections.open(url), 2)).initialize();
  const drift = async () => (await dataSource.driver.createSchemaBuilder().log()).upQueries.map(({ query }) => query);
  await dataSource.runMigrations();
  check('the schema is what the entities say', await drift());
  for (let left = dataSource.migrations.length; left > 0; left--) await dataSource.undoLastMigration();
  const left = await dataSource.query(
    `SELECT c.relname AS name FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v', 'S', 'c') AND c.relname NOT LIKE 'migrations%'
     UNION ALL SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace`,
  );
  check(
    'every migration can be taken back',
    left.map(({ name }) => `${name} is left`),
  );
  await dataSource.runMigrations();
  check('and made again', await drift());
  squawk(await recorded(dataSource));
  await dataSource.destroy();
});

/** The statements of every migration's `up`, as they would be sent. */
async function recorded(dataSource) {
  const files = [];
  for (const migration of dataSource.migrations) {
    const statements = [];
    await migration.up({ query: (sql) => Promise.resolve(void statements.push(`${sql.trim()};`)) });
    files.push([`${migration.name}.sql`, statements.join('\n')]);
  }
  return files;
}

function squawk(files) {
  const folder = mkdtempSync(join(tmpdir(), 'quotidian-squawk-'));
  const paths = files.map(([name, text]) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  });
  const { status, stdout, stderr } = spawnSync('node_modules/.bin/squawk', ['--config', '.squawk.toml', ...paths], { encoding: 'utf8' });
  rmSync(folder, { recursive: true });
  check('squawk finds nothing', status === 0 ? [] : `${stdout}${stderr}`.split('\n'));
}

process.exit(failed ? 1 : 0);
