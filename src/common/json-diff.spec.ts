import fc from 'fast-check';
import { canonicalJson, sameJson } from './json-diff';

describe('canonical JSON', () => {
  const names = fc.oneof(fc.string(), fc.nat().map(String), fc.constantFrom('4294967294', '4294967295', '00', 'constructor'));

  it('is JSON of the same value, and the same for members in any order', () => {
    fc.assert(
      fc.property(fc.dictionary(names, fc.jsonValue()), (value) => {
        const sent = JSON.parse(JSON.stringify(value)) as object;
        expect(JSON.parse(canonicalJson(sent))).toEqual(sent);
        expect(canonicalJson(Object.fromEntries(Object.entries(sent).reverse()))).toBe(canonicalJson(sent));
      }),
    );
  });

  it('leaves out what JSON leaves out, and takes an instant as its text', () => {
    expect(canonicalJson({ b: undefined, a: [undefined, 1], at: new Date(0) })).toBe('{"a":[null,1],"at":"1970-01-01T00:00:00.000Z"}');
    expect(sameJson({ a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 })).toBe(true);
  });
});
