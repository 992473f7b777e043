const { importsOf } = require('../../lib/model.cjs');
const { capital } = require('../../lib/names.cjs');

const decorator = (name, parts) => (parts.length === 0 ? '' : `  @${name}({ ${parts.join(', ')} })\n`);
const nameOf = (rule) => rule.slice(0, rule.indexOf('('));
const enumsOf = (fields) => fields.filter(({ values }) => values);

/** The body of a call that makes one, or changes one. */
function bodyOf({ Class, aTitle, singular, fields }, kind) {
  const creates = kind === 'Create';
  const optional = (field) => !creates || !field.required;
  const rules = (from) => fields.flatMap((field) => field.rules.filter(([, module]) => module === from).map(([rule]) => nameOf(rule)));
  const shaped = (field) => (creates ? field.shape : field.shape.filter((part) => !part.startsWith('default')));
  const imports = importsOf({
    '@nestjs/swagger': fields.filter((field) => shaped(field).length > 0).map((field) => (optional(field) ? 'ApiPropertyOptional' : 'ApiProperty')),
    'class-validator': [...rules('validator'), ...(fields.some((field) => field.nullable) ? ['IsOptional'] : [])],
    '../../common/is-instant': rules('instant'),
    '../../common/may-be-left-out': fields.some((field) => optional(field) && !field.nullable) ? ['MayBeLeftOut'] : [],
    [`../entities/${singular}.entity`]: enumsOf(fields).flatMap(({ constant, alias }) => [constant, `type ${alias}`]),
  });
  const body = fields.map((field) => {
    const shape = decorator(optional(field) ? 'ApiPropertyOptional' : 'ApiProperty', shaped(field));
    const left = field.nullable ? '  @IsOptional()\n' : optional(field) ? '  @MayBeLeftOut()\n' : '';
    return `${shape}${left}${field.rules.map(([rule]) => `  @${rule}\n`).join('')}  ${field.name}${optional(field) ? '?' : ''}: ${field.tsIn};\n`;
  });
  return `${imports}

/** ${creates ? `${capital(aTitle)} to be` : `What is to change of ${aTitle}; what is not sent stays as it is`}. */
export class ${kind}${Class}Dto {
${body.join('\n')}}
`;
}

exports.create = (/** @type {any} */ feature) => bodyOf(feature, 'Create');
exports.update = (/** @type {any} */ feature) => bodyOf(feature, 'Update');

exports.answer = (/** @type {any} */ { Class, singular, aTitle, owned, fields }) => {
  const names = ['id', ...(owned ? ['userId'] : []), ...fields.map(({ name }) => name), 'createdAt', 'updatedAt'];
  const shaped = fields.some(({ shapeOut }) => shapeOut.length > 0);
  return `${importsOf({ '@nestjs/swagger': shaped ? ['ApiProperty'] : [], [`../entities/${singular}.entity`]: [`type ${Class}`, ...enumsOf(fields).map(({ alias }) => `type ${alias}`)] })}

/** ${capital(aTitle)} as it is answered. */
export class ${Class}Dto {
  id: number;
${owned ? '  /** Whose it is. */\n  userId: number;\n' : ''}${fields.map((field) => `${decorator('ApiProperty', field.shapeOut)}  ${field.name}: ${field.ts};\n`).join('')}  createdAt: Date;
  updatedAt: Date;

  static of({ ${names.join(', ')} }: ${Class}): ${Class}Dto {
    return { ${names.join(', ')} };
  }
}

export class ${Class}Page {
  items: ${Class}Dto[];
  /** Null at the end. */
  nextCursor: string | null;
}
`;
};
