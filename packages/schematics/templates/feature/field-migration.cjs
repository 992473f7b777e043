/** No statement here reads the table, or holds it for longer than a moment: what has to be read is validated afterwards. */
exports.add = (/** @type {any} */ { className, table, titles, fields }) => `import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** ${fields.map(({ column }) => column).join(', ')} of ${titles}. */
export class ${className} implements MigrationInterface {
  name = '${className}';

  async up(queryRunner: QueryRunner): Promise<void> {
${fields.map(({ sql }) => `    await queryRunner.query(\`ALTER TABLE ${table} ADD COLUMN ${sql}\`);`).join('\n')}
${fields
  .flatMap(({ column, checks, ref, fkey }) => [
    ...checks.map(({ name, text }) => `    await queryRunner.query(\`ALTER TABLE ${table} ADD CONSTRAINT ${name} CHECK (${text}) NOT VALID\`);`),
    ...(ref
      ? [
          `    await queryRunner.query(\`ALTER TABLE ${table} ADD CONSTRAINT ${fkey} FOREIGN KEY (${column}) REFERENCES ${ref.table} (id) ON DELETE CASCADE NOT VALID\`);`,
        ]
      : []),
  ])
  .join('\n')}
  }

  async down(queryRunner: QueryRunner): Promise<void> {
${[...fields]
  .reverse()
  .map(({ column }) => `    await queryRunner.query(\`ALTER TABLE ${table} DROP COLUMN ${column}\`);`)
  .join('\n')}
  }
}
`;

exports.validate = (/** @type {any} */ { className, table, fields, owned }) => {
  const refs = fields.filter(({ ref }) => ref);
  const names = fields.flatMap(({ checks, ref, fkey }) => [...checks.map(({ name }) => name), ...(ref ? [fkey] : [])]);
  const uniques = fields.filter(({ unique }) => unique);
  const concurrently = refs.length + uniques.length > 0;
  return `import { type MigrationInterface${concurrently ? '' : ''}, type QueryRunner } from 'typeorm';

/** What rows that are there are held to, without a lock that others wait for.${concurrently ? ' The index is made CONCURRENTLY, so in no transaction.' : ''} */
export class ${className} implements MigrationInterface {
  name = '${className}';
${concurrently ? '  transaction = false;\n' : ''}
  async up(queryRunner: QueryRunner): Promise<void> {
${names.map((name) => `    await queryRunner.query(\`ALTER TABLE ${table} VALIDATE CONSTRAINT ${name}\`);`).join('\n')}
${refs
  .map(
    ({ index, column }) => `    // One whose making was interrupted is left invalid: it is dropped before it is made again.
    await run(queryRunner, 'DROP INDEX', 'IF EXISTS ${index}');
    await run(queryRunner, 'CREATE INDEX', '${index} ON ${table} (${column})');`,
  )
  .join('\n')}
${uniques
  .map(
    ({ key, column }) => `    await queryRunner.query(\`ALTER TABLE ${table} DROP CONSTRAINT IF EXISTS ${key}\`);
    await run(queryRunner, 'DROP INDEX', 'IF EXISTS ${key}');
    await run(queryRunner, 'CREATE UNIQUE INDEX', '${key} ON ${table} (${owned ? 'user_id, ' : ''}${column})');
    await queryRunner.query(\`ALTER TABLE ${table} ADD CONSTRAINT ${key} UNIQUE USING INDEX ${key}\`);`,
  )
  .join('\n')}
  }

  async down(${concurrently ? 'queryRunner: QueryRunner' : ''}): Promise<void> {
${
  concurrently
    ? [
        ...uniques.map(({ key }) => `    await queryRunner.query(\`ALTER TABLE ${table} DROP CONSTRAINT IF EXISTS ${key}\`);`),
        ...refs.map(({ index }) => `    await run(queryRunner, 'DROP INDEX', 'IF EXISTS ${index}');`),
      ].join('\n')
    : '    // A validated constraint cannot be made unvalidated, and the migration before takes it back.'
}
  }
}
${
  concurrently
    ? `
/** TypeORM takes migrations back in a transaction. */
async function run(queryRunner: QueryRunner, what: string, index: string): Promise<void> {
  const concurrently = queryRunner.isTransactionActive ? '' : 'CONCURRENTLY';
  await queryRunner.query(\`-- squawk-ignore ban-concurrent-index-creation-in-transaction\\n\${what} \${concurrently} \${index}\`);
}
`
    : ''
}`;
};
