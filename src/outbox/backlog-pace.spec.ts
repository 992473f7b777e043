import { BacklogPace } from './backlog-pace';

describe('the pace of a backlog', () => {
  /** Batches of 1,000 and what is waited after each, while so many come in each second. */
  const pausesOf = (comingIn: number, batches: number) => {
    const pace = new BacklogPace(1_000);
    let [id, at] = [1_000_000, 0];
    return Array.from({ length: batches }, () => {
      const pauseMs = pace.pauseAfter(1_000, Math.floor(id), at);
      const spentMs = pauseMs + 20;
      at += spentMs;
      id += (comingIn * spentMs) / 1_000;
      return pauseMs;
    });
  };

  it('is none for a busy moment', () => expect(pausesOf(1_000, 10)).toEqual(Array(10).fill(0)));

  it('is slow when nothing else comes in', () => expect(pausesOf(0, 20).at(-1)).toBeCloseTo(1_000 / 0.6));

  it.each([100, 1_000, 5_000])('outruns %i events a second that come in', (comingIn) => {
    const pauseMs = pausesOf(comingIn, 60).at(-1) as number;
    expect(1_000_000 / (pauseMs + 20)).toBeGreaterThan(comingIn * 1.1);
  });

  it('begins anew after a batch that was not full', () => {
    const pace = new BacklogPace(1_000);
    for (let n = 0; n < 20; n++) pace.pauseAfter(1_000, n * 1_000, n * 100);
    expect(pace.pauseAfter(10, 21_000, 2_100)).toBe(0);
    expect(pace.pauseAfter(1_000, 22_000, 2_200)).toBe(0);
  });
});
