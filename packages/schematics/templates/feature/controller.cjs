const { importsOf } = require('../../lib/model.cjs');

module.exports = (/** @type {any} */ feature) => {
  const { Class, Plural, plural, singular, one, many, title, aTitle, titles, route, owned, metered, cost, fields } = feature;
  const idParam = `${one}Id`;
  const imports = importsOf({
    '@nestjs/common': ['Body', 'Controller', 'Delete', 'Get', 'Headers', 'HttpCode', 'Param', 'Patch', 'Post', 'Query', 'Res'],
    '@nestjs/swagger': ['ApiTags'],
    fastify: ['type FastifyReply'],
    '../common/access.decorators': [...(owned ? ['CurrentPrincipal'] : ['AdminOnly']), 'Scopes'],
    '../common/principal': owned ? ['type Principal'] : [],
    '../http/etag': ['etagOf'],
    '../http/http.errors': ['LimitReached', ...(fields.some(({ unique }) => unique) ? ['ValueTaken'] : [])],
    '../http/id-param.pipe': ['IdParam'],
    '../http/list-query.dto': ['ListQuery'],
    '../http/problem': ['NotFoundProblem'],
    '../idempotency/idempotency-key': metered ? [] : ['type IdempotentCall', 'MaybeRetried'],
    '../metering/metered.decorator': metered ? ['CurrentCharge', 'Metered', 'type MeteredCall'] : [],
    '../openapi/declarations': ['Creates', 'Fails', 'Preconditions', 'Versioned'],
    [`./dto/create-${singular}.dto`]: [`Create${Class}Dto`],
    [`./dto/${singular}.dto`]: [`${Class}Dto`, `${Class}Page`],
    [`./dto/update-${singular}.dto`]: [`Update${Class}Dto`],
    [`./${plural}.service`]: [`${Plural}Service`],
  });
  const taken = fields.some(({ unique }) => unique) ? ', ValueTaken' : '';
  const reads = `@Scopes('requests:read')`;
  const writes = owned ? `@Scopes('requests:write')` : '@AdminOnly()';
  const principal = owned ? '@CurrentPrincipal() principal: Principal, ' : '';
  const owner = owned ? 'ownerOf(principal), ' : '';
  return `${imports}

/** What the header of an answer with a new ${title} bears. */
const made = (${one}: ${Class}Dto) => ({ etag: etagOf(${one}), location: \`/${route}/\${${one}.id}\` });
${
  owned
    ? `
/** Whose it must be: administrators reach everybody’s. */
const ownerOf = ({ isAdmin, userId }: Principal) => (isAdmin ? null : userId);
`
    : ''
}
@ApiTags('${plural}')
@Controller('${route}')
export class ${Plural}Controller {
  constructor(private readonly ${many}: ${Plural}Service) {}

  /** ${owned ? `Your ${titles}` : `The ${titles}`}, newest first. */
  @Get()
  ${reads}
  list(${owned ? '@CurrentPrincipal() { userId }: Principal, ' : ''}@Query() query: ListQuery): Promise<${Class}Page> {
    return this.${many}.list(${owned ? 'userId, ' : ''}query);
  }

  /** One ${title}. */
  @Get(':${idParam}')
  ${reads}
  @Versioned()
  @Fails(NotFoundProblem)
  async get(${principal}@Param('${idParam}', IdParam) id: number, @Res({ passthrough: true }) reply: FastifyReply): Promise<${Class}Dto> {
    const ${one} = await this.${many}.get(${owner}id);
    void reply.header('etag', etagOf(${one}));
    return ${one};
  }

  /** Makes ${aTitle}.${metered ? ` Costs ${cost} ${cost === 1 ? 'unit' : 'units'}, charged with the row that is made.` : ''} */
  @Post()
  ${writes}
${metered ? `  @Metered({ type: '${plural}.create', cost: ${cost}, together: true, headersOf: made })\n` : ''}  @Creates(${Class}Dto, { etag: true })
  @Fails(LimitReached${taken})
${
  metered
    ? `  create(@CurrentPrincipal() { userId }: Principal, @CurrentCharge() charge: MeteredCall, @Body() dto: Create${Class}Dto): Promise<${Class}Dto> {
    return charge.transaction((tx) => this.${many}.insert(tx, userId, dto));
  }`
    : `  async create(
    ${owned ? '@CurrentPrincipal() { userId }: Principal,' : ''}
    @Body() dto: Create${Class}Dto,
    @MaybeRetried('${plural}.create', made) call: IdempotentCall | null,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<${Class}Dto> {
    const ${one} = await this.${many}.create(${owned ? 'userId, ' : ''}dto, call);
    void reply.headers(made(${one}));
    return ${one};
  }`
}

  /** Changes ${aTitle}: what is not sent stays as it is. */
  @Patch(':${idParam}')
  ${writes}
  @Versioned()
  @Preconditions('optional')
  @Fails(NotFoundProblem${taken})
  async update(
    ${principal}
    @Param('${idParam}', IdParam) id: number,
    @Body() dto: Update${Class}Dto,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<${Class}Dto> {
    const ${one} = await this.${many}.update(${owner}id, dto, ifMatch);
    void reply.header('etag', etagOf(${one}));
    return ${one};
  }

  /** Deletes ${aTitle}. */
  @Delete(':${idParam}')
  ${writes}
  @HttpCode(204)
  @Preconditions('optional')
  @Fails(NotFoundProblem)
  async delete(${principal}@Param('${idParam}', IdParam) id: number, @Headers('if-match') ifMatch: string | undefined): Promise<void> {
    await this.${many}.delete(${owner}id, ifMatch);
  }
}
`;
};
