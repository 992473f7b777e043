import { EndpointBudget } from './endpoint-budget';

const good = { ok: true, durationMs: 5, retryAfterMs: null };
const bad = { ok: false, durationMs: 5, retryAfterMs: null };

describe('the budget of an endpoint', () => {
  const after = (outcomes: { ok: boolean; durationMs: number; retryAfterMs: number | null }[], now = 0) => {
    const budget = new EndpointBudget();
    for (const outcome of outcomes) {
      budget.begin(1);
      budget.end(outcome, now);
    }
    return budget;
  };

  it('is 64 under way', () => {
    const budget = new EndpointBudget();
    expect(budget.free(0)).toBe(64);
    budget.begin(60);
    expect(budget.free(0)).toBe(4);
    budget.end(good, 0);
    expect(budget.free(0)).toBe(5);
  });

  it('shrinks to one with failures, and is whole again after a few good answers', () => {
    expect(after(Array(6).fill(bad)).free(0)).toBe(1);
    expect(after([...Array(6).fill(bad), ...Array(6).fill(good)]).free(0)).toBe(64);
  });

  it('pauses after many failures in a row, for five seconds at most', () => {
    expect(after(Array(8).fill(bad)).free(0)).toBe(1);
    expect(after(Array(9).fill(bad)).free(99)).toBe(0);
    expect(after(Array(9).fill(bad)).free(100)).toBe(1);
    expect(after(Array(1_000).fill(bad)).free(4_999)).toBe(0);
    expect(after(Array(1_000).fill(bad)).free(5_000)).toBe(1);
  });

  it('shrinks, but not to nothing, for one that answers well and slowly', () => {
    expect(after(Array(10).fill({ ...good, durationMs: 14_000 })).free(0)).toBe(4);
  });

  it('pauses as long as the endpoint asks, for a minute at most', () => {
    expect(after([{ ...bad, retryAfterMs: 2_000 }]).free(1_999)).toBe(0);
    expect(after([{ ...bad, retryAfterMs: 2_000 }]).free(2_000)).toBe(32);
    expect(after([{ ...bad, retryAfterMs: 86_400_000 }]).free(60_000)).toBe(32);
  });

  it('is forgotten when it has nothing to remember', () => {
    expect(after([good]).isFresh).toBe(true);
    expect(after([bad]).isFresh).toBe(false);
  });
});
