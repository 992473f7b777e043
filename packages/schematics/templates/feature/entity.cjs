const { importsOf, literal } = require('../../lib/model.cjs');

module.exports = (/** @type {any} */ feature) => {
  const { Class, table, title, owned, fields } = feature;
  const checks = fields.flatMap((field) => field.checks);
  const refs = fields.filter(({ ref }) => ref);
  const typeorm = [
    'Column',
    'CreateDateColumn',
    'Entity',
    'PrimaryGeneratedColumn',
    ...(checks.length ? ['Check'] : []),
    ...(fields.some(({ unique }) => unique) ? ['Unique'] : []),
    ...(owned || refs.length ? ['ForeignKey', 'Index'] : []),
  ];
  return `${importsOf({ typeorm })}

${fields
  .filter(({ values }) => values)
  .map(
    (field) =>
      `export const ${field.constant} = [${field.values.map(literal).join(', ')}] as const;\nexport type ${field.alias} = (typeof ${field.constant})[number];\n`,
  )
  .join('\n')}
/** One ${title}. */
@Entity('${table}')
${owned ? `// Lists are read in this order, and what one user has is counted in it.\n@Index('${table}_user_id_id_idx', ['userId', 'id'])` : ''}
${fields
  .filter(({ unique }) => unique)
  .map(({ key, name }) => `@Unique('${key}', [${owned ? `'userId', ` : ''}'${name}'])`)
  .join('\n')}
${checks.map(({ name, text }) => `@Check('${name}', ${JSON.stringify(text)})`).join('\n')}
export class ${Class} {
  @PrimaryGeneratedColumn('identity', { type: 'integer', generatedIdentity: 'BY DEFAULT', primaryKeyConstraintName: '${table}_pkey' })
  id: number;
${
  owned
    ? `
  /** Whose it is. It goes with the account. */
  @ForeignKey('User', { name: '${table}_user_id_fkey', onDelete: 'CASCADE' })
  @Column({ name: 'user_id', type: 'integer' })
  userId: number;
`
    : ''
}
${fields.map((field) => `${field.ref ? `  @Index('${field.index}')\n  @ForeignKey('${field.ref.Class}', { name: '${field.fkey}', onDelete: 'CASCADE' })\n` : ''}  @Column(${field.columnOptions})\n  ${field.name}: ${field.ts};\n`).join('\n')}
  @CreateDateColumn({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt: Date;

  @Column({ name: 'updated_at', type: 'timestamptz', default: () => 'now()' })
  updatedAt: Date;
}
`;
};
