import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { failure, type Finding, ok, unknown, warning } from './finding';
import { type TablesRepository } from './tables.repository';

const BLOAT_ROWS = 100_000;
const BLOAT_SHARE = 0.5;
const SEQUENCE_SHARE = 0.7;
/** What the schema is after all migrations, as it is committed for review: beside `src` in the tree, and beside `dist` where it is built. */
const SCHEMA_FILES = ['../../sql/schema.sql', '../../../sql/schema.sql'].map((path) => join(__dirname, path));
const SCHEMA_FILE = SCHEMA_FILES.find(existsSync) ?? '';

export async function migrationFinding(tables: TablesRepository, known: readonly string[]): Promise<Finding> {
  const done = await tables.migrationsDone().catch((error: Error & { code?: string }) => {
    if (error.code !== '42P01') throw error;
    return [] as string[];
  });
  const pending = known.filter((name) => !done.includes(name));
  const newer = done.filter((name) => !known.includes(name));
  if (pending.length > 0) return failure('migrations', `${pending.length} have not run, the first is ${pending[0]}`, 'quotidian migrate');
  if (newer.length > 0) return warning('migrations', `the database is ${newer.length} ahead of this release`, 'run the release that migrated it');
  return ok('migrations', `all ${known.length} have run`);
}

export async function indexFindings(tables: TablesRepository, schemaFile = SCHEMA_FILE): Promise<Finding[]> {
  const found = await tables.indexes();
  const invalid = found
    .filter(({ valid }) => !valid)
    .map(({ name }) => failure('indexes', `${name} is not valid: it costs writes and serves nobody`, `psql -c 'REINDEX INDEX CONCURRENTLY "${name}"'`));
  if (!existsSync(schemaFile)) return [...invalid, unknown('missing indexes', 'sql/schema.sql is not here to compare with')];
  const statements = [...readFileSync(schemaFile, 'utf8').matchAll(/^CREATE (?:UNIQUE )?INDEX (\w+) [^;]*;/gms)];
  const missing = statements
    .filter(([, name]) => found.every((index) => index.name !== name))
    .map(([statement, name]) =>
      failure('indexes', `${name} is not there: what needs it reads whole tables`, statement.replaceAll(/\s+/g, ' ').replace('INDEX', 'INDEX CONCURRENTLY')),
    );
  const flaws = [...invalid, ...missing];
  return flaws.length > 0 ? flaws : [ok('indexes', `all ${statements.length} are there and valid`)];
}

export async function bloatFindings(tables: TablesRepository): Promise<Finding[]> {
  const bloated = await tables.bloated(BLOAT_ROWS, BLOAT_SHARE);
  if (bloated.length === 0) return [ok('dead rows', 'few enough in every table')];
  return bloated.map(({ table, live, dead, vacuumedHoursAgo }) => {
    const last = vacuumedHoursAgo === null ? 'it was never vacuumed' : `last vacuumed ${vacuumedHoursAgo} h ago`;
    return warning('dead rows', `${table}: ${dead} dead beside ${live}; ${last}`, `psql -c 'VACUUM (ANALYZE) "${table}"'`);
  });
}

export async function sequenceFindings(tables: TablesRepository): Promise<Finding[]> {
  const near = await tables.sequences(SEQUENCE_SHARE);
  if (near.length === 0) return [ok('sequences', 'none is near its end')];
  return near.map(({ name, used }) =>
    warning('sequences', `${name} has given ${Math.round(used * 100)} % of its numbers`, `psql -c 'ALTER SEQUENCE "${name}" AS bigint'`),
  );
}
