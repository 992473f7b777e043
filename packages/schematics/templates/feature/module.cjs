const { importsOf } = require('../../lib/model.cjs');

module.exports = (/** @type {any} */ { Class, Plural, plural, singular, metered }) => `${importsOf({
  '@nestjs/common': ['Module'],
  '@nestjs/typeorm': ['TypeOrmModule'],
  '../idempotency/idempotency.module': metered ? [] : ['IdempotencyModule'],
  [`./entities/${singular}.entity`]: [Class],
  [`./${plural}.controller`]: [`${Plural}Controller`],
  [`./${plural}.repository`]: [`${Plural}Repository`],
  [`./${plural}.service`]: [`${Plural}Service`],
})}

@Module({
  imports: [TypeOrmModule.forFeature([${Class}])${metered ? '' : ', IdempotencyModule'}],
  controllers: [${Plural}Controller],
  providers: [${Plural}Repository, ${Plural}Service],
  exports: [${Plural}Service],
})
export class ${Plural}Module {}
`;
