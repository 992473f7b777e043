import { Waiter } from './waiter';

describe('a waiter', () => {
  it('is woken by a signal, one that came before it waited included, and by each only once', async () => {
    const waiter = new Waiter();
    waiter.signal();
    expect(await waiter.waitForChange(Infinity)).toBe(true);
    const woken = waiter.waitForChange(Infinity);
    expect(waiter.isWaiting).toBe(true);
    waiter.signal();
    expect(waiter.isWaiting).toBe(false);
    expect(await woken).toBe(true);
    const from = performance.now();
    expect(await waiter.waitForChange(30)).toBe(true);
    expect(performance.now() - from).toBeGreaterThan(25);
  });

  it('does not wait once it is closed, nor for a time that is over', async () => {
    const waiter = new Waiter();
    expect(await waiter.waitForChange(-1)).toBe(true);
    const waiting = waiter.waitForChange(Infinity);
    waiter.close();
    expect(await waiting).toBe(false);
    expect(await waiter.waitForChange(Infinity)).toBe(false);
  });
});
