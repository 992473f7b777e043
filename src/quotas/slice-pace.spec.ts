import { SlicePace } from './slice-pace';

describe('the pace of slices', () => {
  /** How long so many slices of 400 rows and their pauses take in all. */
  function run({ slices, ms, chargeMs }: { slices: number; ms: number; chargeMs: (slice: number) => number | null }): { pace: SlicePace; spentMs: number } {
    let clock = 0;
    let slice = 0;
    const pace = new SlicePace(
      () => chargeMs(slice),
      () => clock,
    );
    for (slice = 1; slice <= slices; slice++) clock += ms + pace.pauseAfter(ms, 400);
    return { pace, spentMs: clock };
  }

  it('makes slices smaller that take longer than they should, and larger those that are quick, within bounds', () => {
    expect(run({ slices: 20, ms: 50, chargeMs: () => null }).pace.rows).toBe(100);
    expect(run({ slices: 20, ms: 1, chargeMs: () => null }).pace.rows).toBe(500);
    expect(run({ slices: 50, ms: 8, chargeMs: () => null }).pace.rows).toBe(250);
  });

  it('leaves more room while charges take longer than before it began', () => {
    const calm = run({ slices: 50, ms: 4, chargeMs: () => 2 }).spentMs;
    expect(run({ slices: 50, ms: 4, chargeMs: (slice) => (slice === 0 ? 2 : 10) }).spentMs).toBeGreaterThan(calm * 1.5);
  });

  it('comes to its end however long charges take: 20,000 rows a second where the database can', () => {
    expect(run({ slices: 250, ms: 4, chargeMs: (slice) => (slice === 0 ? 2 : 1_000) }).spentMs).toBeLessThan(250 * 400 * 0.05 * 1.05);
    expect(run({ slices: 250, ms: 40, chargeMs: (slice) => (slice === 0 ? 2 : 1_000) }).spentMs).toBeLessThan(250 * 40 * 1.6);
  });
});
