import { setImmediate as breathe } from 'node:timers/promises';
import { CallSlots } from './call-slots';

describe('slots of calls', () => {
  const make = () => new CallSlots<number>({ max: 2, waitingMax: 128, full: () => new Error('full') });
  /** A call of the user's that ends when it is made to. */
  const begin = (slots: CallSlots<number>, userId: number) => {
    const call = { hasBegun: false, end: () => undefined as void, over: Promise.resolve() };
    call.over = slots.run(userId, () => {
      call.hasBegun = true;
      return new Promise<void>((resolve) => (call.end = resolve));
    });
    return call;
  };
  const settle = async () => {
    for (let i = 0; i < 4; i++) await breathe();
  };

  it('let two calls of a caller go on at once, and the others in the order in which they came', async () => {
    const slots = make();
    const calls = Array.from({ length: 4 }, () => begin(slots, 1));
    await settle();
    expect(calls.map(({ hasBegun }) => hasBegun)).toEqual([true, true, false, false]);
    calls[1]?.end();
    await settle();
    expect(calls.map(({ hasBegun }) => hasBegun)).toEqual([true, true, true, false]);
  });

  it('make no caller wait for another', async () => {
    const slots = make();
    for (let i = 0; i < 10; i++) begin(slots, 1);
    const other = begin(slots, 2);
    await settle();
    expect(other.hasBegun).toBe(true);
  });

  it('go on after a call that failed, and refuse a caller of whom too many wait', async () => {
    const slots = make();
    const fail = () => Promise.reject(new Error('no'));
    await expect(slots.run(1, fail)).rejects.toThrow('no');
    const calls = Array.from({ length: 130 }, () => begin(slots, 1));
    await expect(slots.run(1, fail)).rejects.toThrow('full');
    for (const call of calls) {
      await settle();
      call.end();
      await call.over;
    }
  });

  it('stay empty for as long as a call has to be paid for', async () => {
    const slots = new CallSlots<number>({ max: 1, waitingMax: 1, full: () => new Error('full') });
    const begun: number[] = [];
    const first = slots.run(
      1,
      () => Promise.resolve(void begun.push(performance.now())),
      () => 20,
    );
    const second = slots.run(1, () => Promise.resolve(void begun.push(performance.now())));
    await Promise.all([first, second]);
    // A timer may be early by less than a millisecond.
    expect((begun[1] ?? 0) - (begun[0] ?? 0)).toBeGreaterThanOrEqual(19);
  });

  it('are left by a call that waits no more, which never begins, and are left once however often it leaves', async () => {
    const slots = make();
    const [first, second, third, fourth, fifth] = Array.from({ length: 5 }, () => slots.enter(1));
    third?.leave();
    await expect(third?.begins).resolves.toBe(false);
    for (let i = 0; i < 3; i++) first?.leave();
    await expect(fourth?.begins).resolves.toBe(true);
    const begun = { fifth: false };
    void (fifth?.begins as Promise<boolean>).then(() => (begun.fifth = true));
    await settle();
    expect(begun.fifth).toBe(false);
    second?.leave();
    await settle();
    expect(begun.fifth).toBe(true);
  });
});
