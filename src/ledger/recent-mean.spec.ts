import { RecentMean } from './recent-mean';

describe('a mean of what was measured lately', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('begins with the first value and follows those that come after it', () => {
    const mean = new RecentMean();
    expect(mean.value).toBeNull();
    mean.add(4);
    expect(mean.value).toBe(4);
    for (let i = 0; i < 200; i++) mean.add(10);
    expect(mean.value).toBeGreaterThan(9.9);
  });

  it('is nothing once nothing was measured for a second, and begins anew', () => {
    const mean = new RecentMean();
    mean.add(100);
    jest.advanceTimersByTime(1_001);
    expect(mean.value).toBeNull();
    mean.add(2);
    expect(mean.value).toBe(2);
  });
});
