import { cpuMsOf } from '../../test/support/cpu-time';
import { type TimeZones } from '../database/time-zones';
import { JsonSchemas } from './json-schemas';

/** As large as a value may be. */
const MAX_BYTES = 32_000;

describe('the check of a value', () => {
  const schemas = new JsonSchemas({ has: () => true } as unknown as TimeZones);

  it.each<[string, object, unknown]>([
    ['a pattern that explodes', { type: 'string', pattern: '^(a+)+$' }, `${'a'.repeat(MAX_BYTES)}!`],
    ['a pattern for names', { type: 'object', patternProperties: { '^(a|aa)+$': {} }, additionalProperties: false }, { [`${'a'.repeat(MAX_BYTES)}!`]: 1 }],
    ['format url', { type: 'string', format: 'url' }, `http://a${':'.repeat(MAX_BYTES)}`],
    ['format uri-reference', { type: 'string', format: 'uri-reference' }, `${'1234567890'.repeat(MAX_BYTES / 10)}\u0001`],
    ['uniqueItems', { type: 'array', uniqueItems: true }, [...Array.from({ length: MAX_BYTES / 7 }, (_, i) => [i]), [0]]],
  ])('is soon done with the worst value for %s', (_, schema, value) => {
    expect(schemas.allows(schema as Record<string, unknown>, value)).toBe(false);
    expect(cpuMsOf(() => schemas.allows(schema as Record<string, unknown>, value), 150)).toBeLessThan(300);
  });

  it.each<[unknown[], boolean]>([
    [[], true],
    [[1, '1', true, null, [1], { a: 1 }], true],
    [
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
      false,
    ],
    [
      [
        [1, 2],
        [2, 1],
      ],
      true,
    ],
    [[0, 1, 0], false],
  ])('finds duplicates: %j has none: %s', (items, unique) => {
    expect(schemas.violations({ type: 'array', uniqueItems: true }, items, '#/value')).toEqual(
      unique ? [] : [{ pointer: '#/value', detail: 'must NOT have duplicate items', code: 'unique-items' }],
    );
  });

  it('never begins with a schema that doubles its work with every reference, or with every level of the value', () => {
    const $defs = Object.fromEntries(
      Array.from({ length: 64 }, (_, i) => [`d${i}`, i === 63 ? true : { allOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] }]),
    );
    const doubling = { $defs, $ref: '#/$defs/d0' };
    expect(schemas.refusal(doubling, 'schema')).toMatchObject({ pointer: '#/schema', code: 'invalid-schema' });
    expect(schemas.allows(doubling, 1)).toBe(false);
    const branches = { allOf: [{ items: { $ref: '#' } }, { items: { $ref: '#' } }] };
    const nested = (depth: number): unknown => (depth === 0 ? [] : [nested(depth - 1)]);
    expect(schemas.refusal(branches, 'bounds')).toBeNull();
    expect(schemas.violations(branches, nested(5), '#/value', 'bounds')).toEqual([]);
    expect(schemas.violations(branches, nested(30), '#/value', 'bounds')).toMatchObject([{ pointer: '#/value', code: 'too-many-steps' }]);
  });

  it('refuses a schema that takes long to compile', () => {
    const of = (count: number) => ({ type: 'object', properties: Object.fromEntries(Array.from({ length: count }, (_, i) => [`p${i}`, { type: 'string' }])) });
    expect(schemas.refusal(of(900), 'schema')).toBeNull();
    expect(schemas.refusal(of(1_000), 'schema')).toMatchObject({ code: 'invalid-schema', detail: expect.stringContaining('at most 1000') });
  });

  it('takes URLs as such', () => {
    for (const [text, good] of [
      ['https://example.com/a?b#c', true],
      ['ftp://x', true],
      ['example.com', false],
      ['mailto:a@b.c', false],
    ] as const)
      expect(schemas.allows({ type: 'string', format: 'url' }, text)).toBe(good);
  });
});
