import { setImmediate as breathe } from 'node:timers/promises';
import { CallTurns } from './call-turns';

describe('turns of large calls', () => {
  /** A call of the user's that ends when it is told to. */
  const begin = (turns: CallTurns, userId: number) => {
    const call = { hasBegun: false, end: () => undefined as void, over: Promise.resolve() };
    call.over = turns.take(userId, () => {
      call.hasBegun = true;
      return new Promise<void>((resolve) => (call.end = resolve));
    });
    return call;
  };
  const settle = async () => {
    for (let i = 0; i < 4; i++) await breathe();
  };

  it('let two calls of a caller go on at once, and the others in the order in which they came', async () => {
    const turns = new CallTurns(() => new Error('full'));
    const calls = Array.from({ length: 4 }, () => begin(turns, 1));
    await settle();
    expect(calls.map(({ hasBegun }) => hasBegun)).toEqual([true, true, false, false]);
    calls[1]?.end();
    await settle();
    expect(calls.map(({ hasBegun }) => hasBegun)).toEqual([true, true, true, false]);
  });

  it('make no caller wait for another', async () => {
    const turns = new CallTurns(() => new Error('full'));
    for (let i = 0; i < 10; i++) begin(turns, 1);
    const other = begin(turns, 2);
    await settle();
    expect(other.hasBegun).toBe(true);
  });

  it('go on after a call that failed, and refuse a caller of whom too many wait', async () => {
    const turns = new CallTurns(() => new Error('full'));
    const fail = () => Promise.reject(new Error('no'));
    await expect(turns.take(1, fail)).rejects.toThrow('no');
    const calls = Array.from({ length: 130 }, () => begin(turns, 1));
    await expect(turns.take(1, fail)).rejects.toThrow('full');
    for (const call of calls) {
      await settle();
      call.end();
      await call.over;
    }
  });
});
