import { BoundedCache } from '../common/bounded-cache';
import { sqlState } from '../common/database-errors';
import { UnavailableProblem } from '../http/problem';
import { type Queue } from './arrival-queue';
import { GroupCommit, type GroupCommitOptions, type Waiter } from './group-commit';

/**
 * How a statement takes its locks: it waits as long as others' statements usually take, and fails with 55P03 then; or it
 * waits for nobody, and answers what is busy; or it waits longer.
 */
export type Locking = 'briefly' | 'skip' | 'patiently';

/** `lock_timeout` of the connections of either way, in milliseconds. */
export const BRIEF_LOCK_MS = 50;
export const PATIENT_LOCK_MS = 250;

const MAX_WAIT_MS = 5_000;
/** For so long nobody waits on the main way for a row that was locked. */
const REMEMBERED_MS = 5_000;
const MAX_REMEMBERED = 10_000;

type Owner = string | number;

export interface IsolatedCommitOptions<Item, Answer> extends Omit<GroupCommitOptions<Item, Answer>, 'send'> {
  /** @param inLane on the connection that may be kept waiting */
  send: (items: readonly Item[], locking: Locking, inLane: boolean) => Promise<readonly Answer[]>;
  /** Whose row an item needs. */
  ownerOf: (item: Item) => Owner;
  /** Whether the item was not decided, because somebody holds a row that it needs. */
  isBusy: (answer: Answer) => boolean;
  /** Orders what waits for locked rows, as `queue` does the others. */
  laneQueue: Queue<Waiter<Item, Answer>>;
}

/**
 * A group commit in which nobody waits for somebody else's locked row. A batch that does not get its locks at once is sent
 * again without what it did not get, and that waits in a lane of its own, five seconds at most. In the lane nobody waits
 * for anybody either, except that one owner after the other is waited for while all of them are locked: what others hold
 * again and again for a moment is had in the end. Always true: a lock that is held delays its owner's items, and others'
 * by a moment when it is found.
 */
export class IsolatedCommit<Item extends object, Answer> {
  private readonly main: GroupCommit<Item, Answer>;
  private readonly lane: GroupCommit<Item, Answer>;
  private readonly locked = new BoundedCache<Owner, true>(MAX_REMEMBERED, { ttl: REMEMBERED_MS });
  private readonly waitingSince = new WeakMap<Item, number>();
  private nextOwner = 0;

  constructor(private readonly options: IsolatedCommitOptions<Item, Answer>) {
    const { isBusy, goesAgain } = options;
    this.main = new GroupCommit({ ...options, send: (items) => this.send(items) });
    this.lane = new GroupCommit({
      ...options,
      name: `${options.name} behind locked rows`,
      queue: options.laneQueue,
      maxInFlight: 1,
      send: (items) => this.sendInLane(items),
      goesAgain: (item, answer) => (isBusy(answer) ? this.mayWait(item) : (goesAgain?.(item, answer) ?? false)),
    });
  }

  /** Items that wait. */
  get waiting(): number {
    return this.main.waiting + this.lane.waiting;
  }

  /** @throws UnavailableProblem also for an item whose row somebody holds too long */
  push(item: Item): Promise<Answer> {
    const { ownerOf, isBusy } = this.options;
    if (this.locked.has(ownerOf(item))) return this.pushInLane(item);
    // One promise for the whole way of what is not locked.
    return new Promise((resolve, reject) => {
      this.main.add({ item, reject, resolve: (answer) => resolve(isBusy(answer) ? this.pushInLane(item) : answer) });
    });
  }

  private async pushInLane(item: Item): Promise<Answer> {
    const { ownerOf, isBusy } = this.options;
    const owner = ownerOf(item);
    this.locked.set(owner, true);
    this.waitingSince.set(item, performance.now());
    const answer = await this.lane.push(item);
    if (isBusy(answer)) throw new UnavailableProblem(this.options.unavailable?.(true) ?? 'Somebody holds what this needs. Nothing was changed; try again.');
    this.locked.delete(owner);
    return answer;
  }

  private async send(items: readonly Item[]): Promise<readonly Answer[]> {
    try {
      return await this.options.send(items, 'briefly', false);
    } catch (error) {
      if (sqlState(error) !== '55P03') throw error;
      return this.options.send(items, 'skip', false);
    }
  }

  private async sendInLane(items: readonly Item[]): Promise<readonly Answer[]> {
    const { send, ownerOf, isBusy } = this.options;
    const answers = [...(await send(items, 'skip', true))];
    if (!answers.every(isBusy)) return answers;
    const owners = [...new Set(items.map(ownerOf))];
    const owner = owners[this.nextOwner++ % owners.length] as Owner;
    // The first of its items alone: those behind it may be given up while they wait.
    const first = items.findIndex((item) => ownerOf(item) === owner);
    try {
      const [answer] = await send([items[first] as Item], 'patiently', true);
      return answers.with(first, answer as Answer);
    } catch (error) {
      if (sqlState(error) !== '55P03') throw error;
      return answers;
    }
  }

  private mayWait(item: Item): boolean {
    return performance.now() - (this.waitingSince.get(item) ?? 0) < MAX_WAIT_MS;
  }
}
