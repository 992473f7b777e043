// What TypeORM generates, as this house writes migrations: typed and formatted, constraints of tables that are there NOT VALID first, and what has to read
// them (validation, indexes CONCURRENTLY) in a second migration without a transaction.
import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';

const STATEMENT = /await queryRunner\.query\(`([\s\S]*?)`\);?\n/g;
const CREATES = /^CREATE TABLE "([^"]+)"/;
const CONSTRAINT = /^ALTER TABLE "([^"]+)" ADD CONSTRAINT "([^"]+)" (CHECK|FOREIGN KEY|UNIQUE) ?(.*)$/s;
const INDEX = /^CREATE (UNIQUE )?INDEX "([^"]+)" ON "([^"]+)" *(.*)$/s;

/** Writes the file anew, and one behind it where there is something to be done without a transaction. @returns {Promise<string[]>} the paths */
export async function dress(path) {
  const text = readFileSync(path, 'utf8');
  const [, name, stamp] = /class (\w+?)(\d{13}) /.exec(text) ?? [];
  if (name === undefined || stamp === undefined) throw new Error(`${path} is no migration that TypeORM generated.`);
  const [up, down] = text.split(/async down\(/).map((part) => [...part.matchAll(STATEMENT)].map(([, sql]) => plain(sql)));
  const made = new Set(up.map((sql) => CREATES.exec(sql)?.[1]));
  const isThere = (table) => !made.has(table);
  const first = [];
  /** @type {{ up: string[], down: string[] }} */
  const later = { up: [], down: [] };
  for (const sql of up) {
    const [, table, constraint, kind, rest] = CONSTRAINT.exec(sql) ?? [];
    const [, unique = '', index, on, columns] = INDEX.exec(sql) ?? [];
    if (kind === 'UNIQUE' && isThere(table)) {
      later.up.push(
        ...rebuilt('UNIQUE ', constraint, table, rest),
        query(`ALTER TABLE "${table}" ADD CONSTRAINT "${constraint}" UNIQUE USING INDEX "${constraint}"`),
      );
      later.down.push(query(`ALTER TABLE "${table}" DROP CONSTRAINT "${constraint}"`));
    } else if (kind !== undefined && isThere(table)) {
      first.push(`${sql} NOT VALID`);
      later.up.push(query(`ALTER TABLE "${table}" VALIDATE CONSTRAINT "${constraint}"`));
    } else if (index !== undefined && isThere(on)) {
      later.up.push(...rebuilt(unique, index, on, columns.trim()));
      later.down.push(`await run(queryRunner, 'DROP INDEX', 'IF EXISTS "${index}"');`);
    } else first.push(sql);
  }
  const moved = (sql) =>
    later.down.some((line) => [...line.matchAll(/"([^"]+)"/g)].some(([, one]) => new RegExp(`^(DROP INDEX|.* DROP CONSTRAINT) "${one}"`).test(sql)));
  const files = [[path, migration(`${name}${stamp}`, first.map(query), down.filter((sql) => !moved(sql)).map(query), true)]];
  if (later.up.length > 0) {
    const next = String(Number(stamp) + 1);
    files.push([path.replace(`${stamp}-`, `${next}-validate-`), migration(`Validate${name}${next}`, later.up, later.down, false)]);
  }
  for (const [file, source] of files) writeFileSync(file, await format(source, { ...(await resolveConfig(file)), filepath: file }));
  return files.map(([file]) => file);
}

function plain(sql) {
  return sql.trim().replaceAll('"public".', '').replaceAll('character varying', 'varchar').replaceAll('TIMESTAMP WITH TIME ZONE', 'timestamptz');
}

/** One whose making was interrupted is left invalid: it is dropped before it is made again. */
function rebuilt(unique, index, table, columns) {
  return [
    `await run(queryRunner, 'DROP INDEX', 'IF EXISTS "${index}"');`,
    `await run(queryRunner, 'CREATE ${unique}INDEX', \`"${index}" ON "${table}" ${columns}\`);`,
  ];
}

function query(sql) {
  return `await queryRunner.query(\`${sql}\`);`;
}

function migration(name, up, down, inTransaction) {
  const runs = up.some((line) => line.includes('await run('));
  const none = '// What was validated need not be made invalid: the migration before takes it back.';
  return `import { type MigrationInterface, type QueryRunner } from 'typeorm';

export class ${name} implements MigrationInterface {
  name = '${name}';
${inTransaction ? '' : '  transaction = false;\n'}
  async up(queryRunner: QueryRunner): Promise<void> {
    ${up.join('\n    ')}
  }

  async down(${down.length > 0 ? 'queryRunner: QueryRunner' : ''}): Promise<void> {
    ${down.length > 0 ? down.join('\n    ') : none}
  }
}
${
  runs
    ? `
/** TypeORM takes migrations back in a transaction. */
async function run(queryRunner: QueryRunner, what: string, index: string): Promise<void> {
  const concurrently = queryRunner.isTransactionActive ? '' : 'CONCURRENTLY';
  await queryRunner.query(\`-- squawk-ignore ban-concurrent-index-creation-in-transaction\\n\${what} \${concurrently} \${index}\`);
}
`
    : ''
}`;
}
