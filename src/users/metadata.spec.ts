import { assertMetadata, mergedMetadata, metadataAlternatives } from './metadata';

describe('metadata of a user', () => {
  it('is merged as RFC 7396 has it: null removes, objects merge, anything else replaces', () => {
    const current = { plan: 'gold', seats: 5, address: { city: 'Wien', zip: '1010' }, tags: ['a'] };
    expect(mergedMetadata(current, { plan: null, seats: 6, address: { zip: null, country: 'AT' }, tags: ['b'], none: null })).toEqual({
      seats: 6,
      address: { city: 'Wien', country: 'AT' },
      tags: ['b'],
    });
    expect(mergedMetadata({ a: 1 }, { a: { b: null, c: 2 } })).toEqual({ a: { c: 2 } });
  });

  it('takes the name of an inherited property for what it is: a name', () => {
    const patch = JSON.parse('{"__proto__": {"polluted": true}, "constructor": "x"}') as Record<string, unknown>;
    const merged = mergedMetadata({}, patch);
    expect(JSON.stringify(merged)).toBe('{"__proto__":{"polluted":true},"constructor":"x"}');
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('has at most 50 members and 8,192 bytes, with the zeros that the database spells', () => {
    const members = (n: number) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`m${i}`, i]));
    expect(() => assertMetadata(members(50))).not.toThrow();
    expect(() => assertMetadata(members(51))).toThrow('51 members');
    expect(() => assertMetadata({ a: 'x'.repeat(8_192 - 8) })).not.toThrow();
    expect(() => assertMetadata({ a: 'x'.repeat(8_192 - 7) })).toThrow('8193 bytes');
    expect(() => assertMetadata({ a: Array.from({ length: 30 }, () => 1e300) })).toThrow('bytes');
  });

  it('is found by text, which may mean a number or a truth value too', () => {
    expect(metadataAlternatives({ plan: 'gold', seats: '5' })).toEqual([
      { plan: 'gold', seats: '5' },
      { plan: 'gold', seats: 5 },
    ]);
    expect(metadataAlternatives({ trial: 'true', n: '-1.50' })).toHaveLength(4);
    for (const text of ['', '05', '1e5', 'null', '[1]', '{}', 'NaN', '1'.repeat(40)]) expect(metadataAlternatives({ a: text })).toEqual([{ a: text }]);
  });
});
