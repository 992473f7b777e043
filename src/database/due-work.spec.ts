import { setImmediate as settled } from 'node:timers/promises';
import { DueWork } from './due-work';

/** Work whose items lie in `waiting` and end when the test lets them. */
function controlled(waiting: string[], atOnce = 2) {
  const begun: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  const claims: number[] = [];
  const stopped: string[] = [];
  const work = new DueWork<string>({
    name: 'test',
    atOnce,
    everyMs: 3_600_000,
    claim: (max) => {
      claims.push(max);
      return Promise.resolve(waiting.splice(0, max));
    },
    handle: (item, stop) => {
      begun.push(item);
      return new Promise<void>((resolve, reject) => {
        ends.set(item, (error) => (error ? reject(error) : resolve()));
        stop.addEventListener('abort', () => {
          stopped.push(item);
          resolve();
        });
      });
    },
  });
  const end = async (item: string, error?: Error) => {
    ends.get(item)?.(error);
    await settled();
  };
  return { work, begun, claims, stopped, end };
}

describe('due work', () => {
  it('has no more under way than it may, and claims the next when one ends, well or not', async () => {
    const { work, begun, end } = controlled(['a', 'b', 'c', 'd']);
    work.start();
    await settled();
    expect(begun).toEqual(['a', 'b']);
    await end('a');
    await end('b', new Error('no'));
    expect(begun).toEqual(['a', 'b', 'c', 'd']);
  });

  it('finds what came while it was full, or while it looked', async () => {
    const waiting: string[] = [];
    const { work, begun, end } = controlled(waiting, 1);
    work.start();
    await settled();
    waiting.push('a', 'b');
    work.wake();
    work.wake();
    await settled();
    expect(begun).toEqual(['a']);
    work.wake();
    await end('a');
    expect(begun).toEqual(['a', 'b']);
  });

  it('does not look before it is started, nor after it was stopped', async () => {
    const { work, claims, end } = controlled(['a', 'b', 'c'], 1);
    work.wake();
    await settled();
    expect(claims).toEqual([]);
    work.start();
    await settled();
    const stopping = work.stop(3_600_000);
    await end('a');
    await stopping;
    work.wake();
    await settled();
    expect(claims).toEqual([1]);
  });

  it('asks what is under way to stop when its grace is over', async () => {
    const { work, stopped } = controlled(['a']);
    work.start();
    await settled();
    await work.stop(0);
    expect(stopped).toEqual(['a']);
  });
});
