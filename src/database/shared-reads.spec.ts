import { SharedReads } from './shared-reads';

/** A read that answers when it is made to. */
function held() {
  const calls: { keys: number[]; answer(error?: Error): Promise<void> }[] = [];
  const read = (keys: number[]) =>
    new Promise<Map<number, string>>((resolve, reject) => {
      const answer = async (error?: Error) => {
        if (error) reject(error);
        else resolve(new Map(keys.filter((key) => key > 0).map((key) => [key, `value ${key}`])));
        await new Promise(setImmediate);
      };
      calls.push({ keys, answer });
    });
  /** What is asked in one turn of the event loop goes together. */
  const tick = () => new Promise(setImmediate);
  const call = (n: number) => calls[n] as (typeof calls)[number];
  return { calls, call, tick, reads: new SharedReads(read, 3) };
}

describe('reads that go together', () => {
  it('go at once when alone, and wait for the one under way else', async () => {
    const { calls, call, tick, reads } = held();
    const first = reads.get(1);
    await tick();
    const others = [reads.get(2), reads.get(-3)];
    await tick();
    expect(calls.map(({ keys }) => keys)).toEqual([[1]]);
    await call(0).answer();
    expect(call(1).keys).toEqual([2, -3]);
    await call(1).answer();
    expect(await Promise.all([first, ...others])).toEqual(['value 1', 'value 2', undefined]);
  });

  it('never get what was read before they asked', async () => {
    const { call, tick, reads } = held();
    const before = reads.get(1);
    await tick();
    const after = reads.get(1);
    const shared = reads.get(1);
    await call(0).answer();
    expect(await before).toBe('value 1');
    expect(call(1).keys).toEqual([1]);
    await call(1).answer();
    expect(await Promise.all([after, shared])).toEqual(['value 1', 'value 1']);
  });

  it('are so many in one statement and no more, and two statements when enough wait', async () => {
    const { calls, call, tick, reads } = held();
    const all = Promise.all(Array.from({ length: 12 }, (_, i) => reads.get(i + 1)));
    await tick();
    expect(calls.map(({ keys }) => keys)).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    for (let i = 0; i < calls.length; i++) await call(i).answer();
    expect((await all).at(-1)).toBe('value 12');
    expect(Math.max(...calls.map(({ keys }) => keys.length))).toBe(3);
  });

  it('fail together, and the next ones do not', async () => {
    const { call, tick, reads } = held();
    const first = reads.get(1);
    await tick();
    const next = reads.get(2);
    await Promise.all([expect(first).rejects.toThrow('gone'), call(0).answer(new Error('gone'))]);
    await call(1).answer();
    expect(await next).toBe('value 2');
  });
});
