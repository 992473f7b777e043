import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { setTimeout as delay } from 'node:timers/promises';
import { UnavailableProblem } from '../http/problem';
import { ArrivalQueue } from './arrival-queue';
import { GroupCommit, type GroupCommitOptions } from './group-commit';

interface Item {
  n: number;
  key: number;
  bad: boolean;
}

/** What becomes of a statement: it commits, or it fails so. `lost`: it commits, and the answer never comes. */
type Ending = 'done' | '40001' | '40P01' | '57014' | '57P01' | 'lost';

const ENDINGS: Ending[] = ['done', '40001', '40P01', '57014', '57P01', 'lost'];

function failure(state: string): Error {
  return Object.assign(new Error(`failed with ${state}`), { code: state });
}

/** A database in which statements take a while, commit whole or not at all, and fail as they are made to. */
class Database {
  readonly committed: Item[] = [];
  readonly sizes: number[] = [];
  inFlight = 0;
  maxInFlight = 0;

  constructor(private readonly endings: Ending[] = []) {}

  readonly send = async (items: readonly Item[]): Promise<number[]> => {
    this.sizes.push(items.length);
    this.maxInFlight = Math.max(this.maxInFlight, ++this.inFlight);
    await delay(this.sizes.length % 3);
    this.inFlight--;
    if (items.some(({ bad }) => bad)) throw failure('22P02');
    const ending = this.endings.shift() ?? 'done';
    if (ending !== 'done' && ending !== 'lost') throw failure(ending);
    this.committed.push(...items);
    if (ending === 'lost') throw new Error('Connection terminated unexpectedly');
    return items.map(({ n }) => n);
  };
}

function grouped(database: Database, options: Partial<GroupCommitOptions<Item, number>> = {}): GroupCommit<Item, number> {
  return new GroupCommit<Item, number>({ name: 'items', send: database.send, maxItems: 8, queue: new ArrivalQueue(({ item }) => item.key), ...options });
}

const good = (n: number): Item => ({ n, key: n, bad: false });
const items = fc
  .array(fc.record({ key: fc.nat(5), bad: fc.constantFrom(false, false, false, false, true), pause: fc.constantFrom(0, 0, 0, 1, 2) }), { maxLength: 60 })
  .map((many) => many.map((one, n) => ({ ...one, n })));

async function pushAll(group: GroupCommit<Item, number>, many: (Item & { pause: number })[]): Promise<PromiseSettledResult<number>[]> {
  const answers: Promise<number>[] = [];
  for (const { pause, ...item } of many) {
    if (pause > 0) await delay(pause);
    const answer = group.push(item);
    answer.catch(() => undefined);
    answers.push(answer);
  }
  return Promise.allSettled(answers);
}

describe('a group commit', () => {
  beforeAll(() => Logger.overrideLogger(false));

  it('sends an item that is alone at once, and what comes in meanwhile together', async () => {
    const database = new Database();
    const group = grouped(database);
    const first = group.push(good(0));
    await new Promise(setImmediate);
    const others = [1, 2, 3].map((n) => group.push(good(n)));
    expect(await Promise.all([first, ...others])).toEqual([0, 1, 2, 3]);
    expect(database.sizes).toEqual([1, 3]);
  });

  it('sends with few that wait what those who are answered send next, where a statement is dear', async () => {
    const database = new Database();
    const group = grouped(database, { minAhead: 4 });
    const asks = async (n: number) => [await group.push(good(n)), await group.push(good(n + 10))];
    const first = [0, 1].map(asks);
    await new Promise(setImmediate);
    const others = [2, 3].map(asks);
    expect(await Promise.all([...first, ...others])).toEqual([0, 1, 2, 3].map((n) => [n, n + 10]));
    expect(database.sizes).toEqual([2, 4, 2]);
  });

  it('answers each item once, by what was committed, and a bad one alone fails', async () => {
    await fc.assert(
      fc.asyncProperty(items, fc.constantFrom(1, 2), fc.constantFrom(undefined, 3), async (many, maxInFlight, minAhead) => {
        const database = new Database();
        const endings = await pushAll(grouped(database, { maxInFlight, minBeside: 3, minAhead }), many);
        expect(endings.map((ending) => (ending.status === 'fulfilled' ? ending.value : (ending.reason as { code: string }).code))).toEqual(
          many.map(({ n, bad }) => (bad ? '22P02' : n)),
        );
        expect(database.committed.map(({ n }) => n).toSorted((a, b) => a - b)).toEqual(many.filter(({ bad }) => !bad).map(({ n }) => n));
        expect(database.maxInFlight).toBeLessThanOrEqual(maxInFlight);
        expect(Math.max(0, ...database.sizes)).toBeLessThanOrEqual(8);
      }),
      { numRuns: 60 },
    );
  });

  it('loses no item and commits none twice, whatever fails: refused is not committed, unknown is answered as such', async () => {
    const faults = fc.array(fc.constantFrom(...ENDINGS), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(items, faults, async (many, faulty) => {
        const database = new Database(faulty);
        const endings = await pushAll(grouped(database, { maxInFlight: 2, unavailable: (rolledBack) => (rolledBack ? 'not done' : 'unknown') }), many);
        const times = (n: number) => database.committed.filter((item) => item.n === n).length;
        for (const [n, ending] of endings.entries()) {
          expect(times(n)).toBeLessThanOrEqual(1);
          if (ending.status === 'fulfilled') expect([ending.value, times(n)]).toEqual([n, 1]);
          else if (!(ending.reason instanceof UnavailableProblem)) expect([many[n]?.bad, times(n)]).toEqual([true, 0]);
          else if (ending.reason.message === 'not done') expect(times(n)).toBe(0);
          else expect(ending.reason.message).toBe('unknown');
        }
      }),
      { numRuns: 60 },
    );
  });

  it('keeps the order of items with one key, tries included', async () => {
    const passing = fc.array(fc.constantFrom<Ending>('done', '40001', '40P01'), { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(items, passing, async (many, faulty) => {
        const database = new Database(faulty);
        await pushAll(grouped(database), many);
        for (let key = 0; key <= 5; key++) {
          const order = database.committed.filter((item) => item.key === key).map(({ n }) => n);
          expect(order).toEqual(order.toSorted((a, b) => a - b));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('sends an item again that asks for it, before the others, and answers it once', async () => {
    const asked = new Set<number>();
    const database = new Database();
    const group = grouped(database, { queue: new ArrivalQueue(), goesAgain: ({ n }) => n < 3 && !asked.has(n) && Boolean(asked.add(n)) });
    const answers = Promise.all([0, 1, 2, 3, 4].map((n) => group.push(good(n))));
    await new Promise(setImmediate);
    const late = group.push(good(5));
    expect(await answers).toEqual([0, 1, 2, 3, 4]);
    expect(await late).toBe(5);
    expect(database.committed.map(({ n }) => n)).toEqual([0, 1, 2, 3, 4, 0, 1, 2, 5]);
  });

  it('answers many in several rounds of the event loop, so that others are served in between', async () => {
    const group = grouped(new Database(), { maxItems: 100 });
    let rounds = 0;
    let over = false;
    const count = (): void => {
      rounds++;
      if (!over) setImmediate(count);
    };
    const roundsOf = await Promise.all(Array.from({ length: 100 }, (_, n) => group.push(good(n)).then(() => (n === 0 ? (count(), rounds) : rounds))));
    over = true;
    expect(roundsOf.at(-1)).toBeGreaterThan(4);
  });

  it('gives up after three tries, and refuses what is beyond its bound', async () => {
    const database = new Database(['40001', '40001', '40001', '40001']);
    const group = grouped(database, { limit: { maxWaiting: 1, full: () => new Error('full') } });
    const first = group.push(good(0));
    await expect(group.push(good(1))).rejects.toThrow('full');
    await expect(first).rejects.toBeInstanceOf(UnavailableProblem);
    expect(database.sizes).toEqual([1, 1, 1, 1]);
    expect(await group.push(good(2))).toBe(2);
  });
});
