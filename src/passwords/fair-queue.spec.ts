import { setImmediate as settled } from 'node:timers/promises';
import { CallerQueueFull, FairQueue, QueueFull } from './fair-queue';

/** A queue whose works end when the test lets them. */
function controlled(options: { atOnce?: number; waitingOfCallerMax?: number; waitingMax?: number } = {}) {
  const queue = new FairQueue({ atOnce: 2, waitingOfCallerMax: 1_000, waitingMax: 5_000, ...options });
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const add = (name: string, ...keys: [string, ...string[]]) =>
    queue.run(keys, () => {
      begun.push(name);
      return new Promise<void>((end) => ends.set(name, end));
    });
  const end = async (name: string) => {
    ends.get(name)?.();
    await settled();
  };
  return { add, end, begun };
}

describe('the fair queue', () => {
  it('keeps a place free for a newcomer beside any number of works of one key', async () => {
    const { add, begun } = controlled();
    for (let i = 0; i < 1_000; i++) void add(`flood ${i}`, 'flood');
    void add('neighbour', 'neighbour');
    await settled();
    expect(begun).toEqual(['flood 0', 'neighbour']);
  });

  it('does the works of keys alternately, and those of each in their order', async () => {
    const { add, end, begun } = controlled({ atOnce: 1 });
    for (const key of ['a', 'b', 'c']) for (let i = 0; i < 3; i++) void add(`${key}${i}`, key);
    for (let done = 0; done < 9; done++) {
      await settled();
      await end(begun[done] as string);
    }
    expect(begun).toEqual(['a0', 'b0', 'c0', 'a1', 'b1', 'c1', 'a2', 'b2', 'c2']);
  });

  it('counts a work under each of its keys: many networks at one account are one', async () => {
    const { add, end, begun } = controlled({ atOnce: 1 });
    for (let i = 0; i < 100; i++) void add(`bot ${i}`, `network ${i}`, 'account');
    void add('neighbour', 'network of the neighbour', 'account of the neighbour');
    await settled();
    await end('bot 0');
    expect(begun).toEqual(['bot 0', 'neighbour']);
  });

  it('refuses a caller whose own share is full, and nobody else', async () => {
    const { add, begun } = controlled({ waitingOfCallerMax: 5 });
    for (let i = 0; i < 6; i++) void add(`flood ${i}`, 'flood');
    await expect(add('one more', 'flood')).rejects.toThrow(CallerQueueFull);
    void add('neighbour', 'neighbour');
    await settled();
    expect(begun).toContain('neighbour');
  });

  it('when it is full in all, refuses whoever has more before them than others', async () => {
    const { add } = controlled({ atOnce: 1, waitingMax: 10 });
    const flood = Array.from({ length: 11 }, (_, i) => add(`flood ${i}`, 'flood').then(String, (error: Error) => error));
    const neighbour = add('neighbour', 'neighbour').then(String, (error: Error) => error);
    await settled();
    expect(await flood.at(-1)).toBeInstanceOf(QueueFull);
    expect(await Promise.race([neighbour, settled('waits')])).toBe('waits');
  });

  it('lets the keys of a work rest when that is asked for, and others begin meanwhile', async () => {
    const queue = new FairQueue({ atOnce: 1, waitingOfCallerMax: 5, waitingMax: 5 });
    const order: string[] = [];
    const work = (name: string) => () => Promise.resolve(void order.push(name));
    const first = queue.run(['a'], work('a1'), () => 20);
    const second = queue.run(['a'], work('a2'));
    await first;
    await queue.run(['b'], work('b'));
    expect(order).toEqual(['a1', 'b']);
    await second;
    expect(order).toEqual(['a1', 'b', 'a2']);
  });

  it('goes on after a work that failed, and forgets keys without works', async () => {
    const queue = new FairQueue({ atOnce: 2, waitingOfCallerMax: 5, waitingMax: 5 });
    await expect(queue.run(['a'], () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await queue.run(['a'], () => Promise.resolve(1))).toBe(1);
    expect((queue as unknown as { shares: Map<string, unknown> }).shares.size).toBe(0);
  });
});
