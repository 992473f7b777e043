import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { setTimeout as delay } from 'node:timers/promises';
import { ArrivalQueue } from './arrival-queue';
import { IsolatedCommit, type Locking } from './isolated-commit';

interface Item {
  n: number;
  owner: number;
}

/** Rows that are held or not. A statement that waits for one fails after its time; one that skips answers what it did not get. */
class Rows {
  readonly held = new Set<number>();
  readonly committed: number[] = [];
  readonly waitedFor: number[] = [];

  readonly send = async (items: readonly Item[], locking: Locking): Promise<(number | 'busy')[]> => {
    const isHeld = ({ owner }: Item) => this.held.has(owner);
    await delay(1);
    const first = items.find(isHeld);
    if (locking !== 'skip' && first) {
      this.waitedFor.push(first.owner);
      await delay(2);
      if (items.some(isHeld)) throw Object.assign(new Error('canceling statement due to lock timeout'), { code: '55P03' });
    }
    const done = items.map((item) => !isHeld(item));
    this.committed.push(...items.filter((_, i) => done[i]).map(({ n }) => n));
    return items.map(({ n }, i) => (done[i] ? n : 'busy'));
  };

  group(): IsolatedCommit<Item, number | 'busy'> {
    return new IsolatedCommit<Item, number | 'busy'>({
      name: 'items',
      send: this.send,
      ownerOf: ({ owner }) => owner,
      isBusy: (answer) => answer === 'busy',
      maxItems: 8,
      queue: new ArrivalQueue(),
      laneQueue: new ArrivalQueue(),
    });
  }
}

describe('a commit in which nobody waits for somebody else’s row', () => {
  beforeAll(() => Logger.overrideLogger(false));

  it('answers others while a row is held, and its own when it is free', async () => {
    const rows = new Rows();
    const group = rows.group();
    rows.held.add(1);
    let answered = false;
    const held = group.push({ n: 0, owner: 1 }).then((answer) => ((answered = true), answer));
    for (let n = 1; n < 10; n++) expect(await group.push({ n, owner: 2 })).toBe(n);
    expect(answered).toBe(false);
    rows.held.clear();
    expect(await held).toBe(0);
    expect(await group.push({ n: 10, owner: 1 })).toBe(10);
  });

  it('decides each item once, whatever is held meanwhile', async () => {
    const step = fc.oneof(fc.record({ owner: fc.nat(3) }), fc.record({ hold: fc.nat(3) }), fc.record({ free: fc.nat(3) }), fc.record({ pause: fc.nat(3) }));
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 50 }), async (steps) => {
        const rows = new Rows();
        const group = rows.group();
        const items: Item[] = [];
        const answers: Promise<number | 'busy'>[] = [];
        for (const one of steps) {
          if ('hold' in one) rows.held.add(one.hold);
          else if ('free' in one) rows.held.delete(one.free);
          else if ('pause' in one) await delay(one.pause);
          else {
            items.push({ n: items.length, owner: one.owner });
            answers.push(group.push(items.at(-1) as Item));
          }
        }
        rows.held.clear();
        expect(await Promise.all(answers)).toEqual(items.map(({ n }) => n));
        expect(rows.committed.toSorted((a, b) => a - b)).toEqual(items.map(({ n }) => n));
      }),
      { numRuns: 40 },
    );
  });

  it('waits for one locked owner after the other, so none is passed over for ever', async () => {
    const rows = new Rows();
    const group = rows.group();
    [1, 2, 3].forEach((owner) => rows.held.add(owner));
    const answers = [1, 2, 3].map((owner, n) => group.push({ n, owner }));
    while (new Set(rows.waitedFor.slice(1)).size < 3) await delay(1);
    rows.held.clear();
    expect(await Promise.all(answers)).toEqual([0, 1, 2]);
  });
});
