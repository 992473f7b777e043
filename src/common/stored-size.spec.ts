import { storedBytes } from './stored-size';

const sizeOf = (value: unknown) => storedBytes(value, JSON.stringify(value));

describe('the bytes that a value takes in the database', () => {
  it.each([[{ a: [1, 'two', null, 0.5, 1e20] }], ['1e+308 and 1e-7'], [{ 'e+1': 'x1e+1' }]])('are those of its JSON: %j', (value) => {
    expect(sizeOf(value)).toBe(Buffer.byteLength(JSON.stringify(value)));
  });

  it('count the zeros that a number stands for', () => {
    expect(sizeOf([1e308])).toBeGreaterThanOrEqual('[1'.length + 308 + ']'.length);
    expect(sizeOf({ a: [{ b: -5e-324 }] })).toBeGreaterThan(324);
    expect(sizeOf(Array(10_000).fill(1e308))).toBeGreaterThan(3_000_000);
  });
});
