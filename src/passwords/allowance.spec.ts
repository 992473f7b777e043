import { Allowance } from './allowance';

describe('an allowance', () => {
  const tenThenSlowly = () => new Allowance({ burst: 10, everyMs: 30_000 });

  it('gives the burst at once, then one after each pause, and states how long the pause is', () => {
    const allowance = tenThenSlowly();
    for (let i = 0; i < 10; i++) expect(allowance.spend('a', 0)).toBe(0);
    expect(allowance.spend('a', 0)).toBe(30_000);
    expect(allowance.spend('a', 29_999)).toBe(1);
    expect(allowance.spend('a', 30_000)).toBe(0);
    expect(allowance.spend('a', 30_000)).toBe(30_000);
    expect(allowance.spend('b', 30_000)).toBe(0);
  });

  it('has back what was given back', () => {
    const allowance = tenThenSlowly();
    for (let i = 0; i < 1_000; i++) {
      expect(allowance.spend('a', 0)).toBe(0);
      allowance.giveBack('a');
    }
    expect(allowance.used('a', 0)).toBe(0);
  });

  it('shows how many are used, which sinks with time', () => {
    const allowance = tenThenSlowly();
    expect([1, 2, 3].map(() => allowance.add('a', 0))).toEqual([1, 2, 3]);
    expect(allowance.used('a', 30_000)).toBe(2);
    expect(allowance.used('a', 90_000)).toBe(0);
    for (let i = 0; i < 50; i++) allowance.add('a', 90_000);
    expect(allowance.used('a', 90_000)).toBe(10);
  });
});
