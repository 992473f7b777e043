import { stepsPerMember } from './schema-work';

const chain = (length: number) =>
  Object.fromEntries(
    Array.from({ length }, (_, i) => [
      `d${i}`,
      i === length - 1 ? { type: 'null' } : { allOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] },
    ]),
  );
const line = (length: number) => Object.fromEntries(Array.from({ length }, (_, i) => [`d${i}`, i === length - 1 ? {} : { $ref: `#/$defs/d${i + 1}` }]));
const json = {
  $defs: {
    any: { oneOf: [{ type: 'string' }, { type: 'array', items: { $ref: '#/$defs/any' } }, { type: 'object', additionalProperties: { $ref: '#/$defs/any' } }] },
  },
  $ref: '#/$defs/any',
};
const node = (name: string) => ({ type: 'object', properties: { [name]: { $ref: '#' } } });

describe('the steps of a check', () => {
  it.each<[string, object, number, number]>([
    ['one schema', { type: 'string' }, 5, 1],
    ['two at one place', { allOf: [{ type: 'string' }, { minLength: 1 }] }, 0, 3],
    ['members, of which a path has one', { properties: { a: { type: 'string' }, b: { type: 'string' } } }, 1, 2],
    ['a value that is not so deep', { properties: { a: { properties: { b: {} } } } }, 1, 2],
    ['items and members, of which a value has one kind', { items: {}, additionalProperties: {} }, 1, 2],
    ['an anchor', { $defs: { x: { $anchor: 'here' } }, $ref: '#here' }, 0, 2],
    ['a pointer with escapes', { $defs: { 'a/b': {} }, $ref: '#/$defs/a~1b' }, 0, 2],
    ['a way back to itself at the same place', { $ref: '#' }, 3, 2],
  ])('are counted: %s', (_, schema, depth, steps) => {
    expect(stepsPerMember(schema as Record<string, unknown>, depth)).toBe(steps);
  });

  it.each<[string, object]>([
    ['all that JSON can be', json],
    ['a tree whose branches have names of their own', { oneOf: [node('left'), node('right')] }],
  ])('grow with the depth of the value, no faster: %s', (_, schema) => {
    expect(stepsPerMember(schema as Record<string, unknown>, 32)).toBeLessThan(300);
  });

  it.each<[string, object]>([
    ['references that double', { $defs: chain(40), $ref: '#/$defs/d0' }],
    ['branches with one name', { allOf: [node('a'), node('a')] }],
    ['so many that counting them would take long', { $defs: line(3_000), $ref: '#/$defs/d0' }],
    ['items that double', { allOf: [{ items: { $ref: '#' } }, { items: { $ref: '#' } }] }],
  ])('are known to be too many before they are gone: %s', (_, schema) => {
    expect(stepsPerMember(schema as Record<string, unknown>, 32)).toBeGreaterThan(1e9);
  });
});
