const { importsOf } = require('../../lib/model.cjs');

module.exports = (/** @type {any} */ feature) => {
  const { Class, Plural, plural, singular, title, titles, many, owned, metered, fields } = feature;
  const refs = fields.filter(({ ref }) => ref);
  const uniques = fields.filter(({ unique }) => unique);
  const taken = uniques.length ? ', ValueTaken' : '';
  const orTaken = uniques.length ? '.catch(throwTaken)' : '';
  const imports = importsOf({
    '@nestjs/common': ['Injectable'],
    '@nestjs/typeorm': ['InjectRepository'],
    typeorm: ['type EntityManager', 'LessThan', 'Repository', ...(refs.some(({ ref }) => ref.Class === 'User') ? ['Not'] : [])],
    '../common/defined-only': ['definedOnly'],
    '../common/database-errors': uniques.length ? ['violatedConstraint'] : [],
    '../database/database-clock': ['DatabaseClock'],
    '../database/transactions': ['Transactions'],
    '../http/etag': ['assertMatch', 'etagOf'],
    '../http/http.errors': ['LimitReached', ...(uniques.length ? ['ValueTaken'] : [])],
    '../http/list-query.dto': ['type ListQuery'],
    '../http/page': ['cursorPosition', 'type Page', 'pageSize', 'toPage'],
    '../http/problem': ['NotFoundProblem', ...(refs.length ? ['ValidationProblem'] : [])],
    '../idempotency/idempotency-key': metered ? [] : ['type IdempotentCall'],
    '../idempotency/idempotency.service': metered ? [] : ['IdempotencyService'],
    '../settings/settings.service': ['SettingsService'],
    ...Object.fromEntries(refs.filter(({ ref }) => ref.Class !== Class).map(({ ref }) => [ref.path, [ref.Class]])),
    [`./dto/create-${singular}.dto`]: [`Create${Class}Dto`],
    [`./dto/${singular}.dto`]: [`${Class}Dto`],
    [`./dto/update-${singular}.dto`]: [`Update${Class}Dto`],
    [`./entities/${singular}.entity`]: [Class],
    [`./${plural}.repository`]: [`${Plural}Repository`],
    [`./${plural}.settings`]: [`${Plural}Settings`],
  });
  const user = owned ? 'userId: number, ' : '';
  /** Some field refers to what users own. */
  const needsOwner = owned && refs.some(({ ref }) => ref.owned && ref.Class !== 'User');
  const max = `${Plural}Settings.${owned ? 'maxPerUser' : 'max'}`;
  const value = ({ name, type }) => (type === 'timestamptz' ? `${name}: dto.${name} == null ? dto.${name} : new Date(dto.${name})` : name);
  const dated = fields.some(({ type }) => type === 'timestamptz');
  const plain = fields.filter(({ type }) => type !== 'timestamptz').map(({ name }) => name);
  return `${imports}

/** ${titles.charAt(0).toUpperCase()}${titles.slice(1)}. Always true: ${owned ? 'each is its owner’s alone, goes with the account, and nobody has more than the setting allows' : 'administrators write them, everybody reads them, and there are no more than the setting allows'}. */
@Injectable()
export class ${Plural}Service {
  constructor(
    @InjectRepository(${Class}) private readonly ${many}: Repository<${Class}>,
    private readonly repository: ${Plural}Repository,
    private readonly settings: SettingsService,
${metered ? '' : '    private readonly idempotency: IdempotencyService,\n'}    private readonly transactions: Transactions,
    private readonly clock: DatabaseClock,
  ) {}

  /** ${owned ? 'The user’s' : 'All'}, newest first. @throws InvalidCursor */
  async list(${user}query: ListQuery): Promise<Page<${Class}Dto>> {
    const filters = { list: '${plural}'${owned ? ', userId' : ''} };
    const before = cursorPosition(query.cursor, filters);
    const size = pageSize(query);
    const rows = await this.${many}.find({
      where: { ${owned ? 'userId, ' : ''}...(before === null ? {} : { id: LessThan(Number(before)) }) },
      order: { id: 'DESC' },
      take: size + 1,
    });
    return toPage(rows, size, filters, (row) => String(row.id), (row) => ${Class}Dto.of(row));
  }

  /** ${owned ? '@param owner whose it must be; null: anybody’s ' : ''}@throws NotFoundProblem */
  async get(${owned ? 'owner: number | null, ' : ''}id: number): Promise<${Class}Dto> {
    const row = await this.${many}.findOneBy({ id${owned ? ', ...ownedBy(owner)' : ''} });
    if (row === null) throw new NotFoundProblem('${title}');
    return ${Class}Dto.of(row);
  }
${
  metered
    ? ''
    : `
  /** @throws LimitReached${taken}${refs.length ? ', ValidationProblem for what a field refers to' : ''}, StoredAnswer for a repeated call */
  create(${user}dto: Create${Class}Dto, call: IdempotentCall | null = null): Promise<${Class}Dto> {
    return this.idempotency.transaction(call, (tx) => this.insert(tx, ${owned ? 'userId, ' : ''}dto));
  }
`
}
  /** A participant of a transaction. @throws LimitReached${taken}${refs.length ? ', ValidationProblem for what a field refers to' : ''} */
  async insert(tx: EntityManager, ${user}dto: Create${Class}Dto): Promise<${Class}Dto> {
    const max = this.settings.get(${max});
    await this.repository.lock(tx${owned ? ', userId' : ''});
    if (!(await this.repository.hasRoom(tx, ${owned ? 'userId, ' : ''}max))) throw new LimitReached('${titles}', max, ${max}.key);
${refs.length ? `    await this.assertReferences(tx, ${needsOwner ? 'userId, ' : ''}dto);\n` : ''}    const { id } = await tx.save(tx.create(${Class}, { ${owned ? 'userId, ' : ''}...columnsOf(dto) }))${orTaken};
    return ${Class}Dto.of(await tx.findOneByOrFail(${Class}, { id }));
  }

  /** @throws NotFoundProblem, StaleVersion${taken}${refs.length ? ', ValidationProblem for what a field refers to' : ''} */
  async update(${owned ? 'owner: number | null, ' : ''}id: number, dto: Update${Class}Dto, ifMatch?: string): Promise<${Class}Dto> {
    return this.transactions.run(async (tx) => {
      const row = await this.lock(tx, ${owned ? 'owner, ' : ''}id);
      assertMatch(ifMatch, etagOf(${Class}Dto.of(row)));
${refs.length ? `      await this.assertReferences(tx, ${needsOwner ? 'row.userId, ' : ''}dto);\n` : ''}      await tx.save(Object.assign(row, columnsOf(dto), { updatedAt: await this.clock.now(tx) }))${orTaken};
      return ${Class}Dto.of(await tx.findOneByOrFail(${Class}, { id }));
    });
  }

  /** @throws NotFoundProblem, StaleVersion */
  async delete(${owned ? 'owner: number | null, ' : ''}id: number, ifMatch?: string): Promise<void> {
    await this.transactions.run(async (tx) => {
      const row = await this.lock(tx, ${owned ? 'owner, ' : ''}id);
      assertMatch(ifMatch, etagOf(${Class}Dto.of(row)));
      await tx.delete(${Class}, { id });
    });
  }

  private async lock(tx: EntityManager, ${owned ? 'owner: number | null, ' : ''}id: number): Promise<${Class}> {
    const row = await tx.findOne(${Class}, { where: { id${owned ? ', ...ownedBy(owner)' : ''} }, lock: { mode: 'for_no_key_update' } });
    if (row === null) throw new NotFoundProblem('${title}');
    return row;
  }
${
  refs.length
    ? `
  /** What the fields refer to is there${needsOwner ? ' and the owner’s to refer to' : ''}, and stays so until the transaction ends. */
  private async assertReferences(tx: EntityManager, ${needsOwner ? user : ''}{ ${refs.map(({ name }) => name).join(', ')} }: Update${Class}Dto): Promise<void> {
${refs
  .map(({ name, ref }) => {
    const rest = ref.Class === 'User' ? `, status: Not('deleted' as const)` : ref.owned && owned ? ', userId' : '';
    return `    if (${name} != null && (await tx.findOne(${ref.Class}, { where: { id: ${name}${rest} }, lock: { mode: 'for_key_share' } })) === null) {
      throw new ValidationProblem([{ pointer: '#/${name}', detail: 'refers to nothing that is there for you', code: 'unknown-reference' }]);
    }`;
  })
  .join('\n')}
  }
`
    : ''
}}
${
  owned
    ? `
function ownedBy(owner: number | null): { userId?: number } {
  return owner === null ? {} : { userId: owner };
}
`
    : ''
}
${
  uniques.length
    ? `/** What no two rows ${owned ? 'of a user ' : ''}have in common, by its constraint. */
const UNIQUE: Record<string, string> = { ${uniques.map(({ key, name }) => `${key}: '${name}'`).join(', ')} };

function throwTaken(error: unknown): never {
  const name = UNIQUE[violatedConstraint(error) ?? ''];
  throw name === undefined ? error : new ValueTaken(name);
}

`
    : ''
}/** What was given, as it is stored. */
function columnsOf(${dated ? `dto: Update${Class}Dto` : `{ ${plain.join(', ')} }: Update${Class}Dto`}): Partial<${Class}> {
${dated && plain.length ? `  const { ${plain.join(', ')} } = dto;\n` : ''}  return definedOnly({ ${fields.map(value).join(', ')} });
}
`;
};
