import { Logger } from '@nestjs/common';
import { setImmediate as breathe, setTimeout as delay } from 'node:timers/promises';
import { isRolledBack, isTransient, sqlState } from '../common/database-errors';
import { type SpanPlace, tracing } from '../common/spans';
import { UnavailableProblem } from '../http/problem';
import { ArrivalQueue, type Queue } from './arrival-queue';

const RETRIES = 3;
/** Serialization, deadlock, and a lock that was not had in time: another try may pass. */
const MAY_PASS = /^(40001|40P01|55P03)$/;

/** So many times as long as others takes only what is stuck. */
const STUCK_FACTOR = 4;
const MAX_USUAL_MS = 25;

/** Items that are answered in one round of the event loop. */
const ANSWERS_A_ROUND = 16;

/** Rounds of the event loop in which items that come in are waited for. */
const GATHERING_ROUNDS = 16;

const NONE: ReadonlySet<unknown> = new Set();

/** An item that waits, and whom its answer goes to. */
export interface Waiter<Item, Answer> {
  readonly item: Item;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
  /** Where tracing is on: the span that waits. */
  place?: SpanPlace;
}

/** What became of items that went together. */
interface Settled<Item, Answer> {
  waiters: readonly Waiter<Item, Answer>[];
  /** Null: all of them failed, with the error. */
  answers: readonly Answer[] | null;
  error: unknown;
}

export interface GroupCommitOptions<Item, Answer> {
  /** For the log: `a batch of charges`. */
  name: string;
  /** One statement for all of them: an answer for each item, in the same order. It commits everything or nothing. */
  send: (items: readonly Item[]) => Promise<readonly Answer[]>;
  /** Items in one statement at most. */
  maxItems: number;
  /** Statements under way at once; 1 keeps the items of a queue in order. */
  maxInFlight?: number;
  /** So many must wait for a statement to be sent beside another one: the database is not left idle, nor fed in crumbs. */
  minBeside?: number;
  /**
   * Where fewer wait when a statement has ended, the next goes after the answers, with what those who were answered send next:
   * a statement costs as much as a dozen items, so that is worth a pause of the database. Left out: it goes before them.
   */
  minAhead?: number;
  /**
   * A statement that takes longer than this, and several times as long as others did, is not waited for, however few wait:
   * what is alone is never behind what is stuck.
   */
  patienceMs?: number;
  queue?: Queue<Waiter<Item, Answer>>;
  /** Items that may wait at most, and how one more is refused. */
  limit?: { maxWaiting: number; full: () => Error };
  /** Whether the item goes again, in front of the others, in place of being answered so. */
  goesAgain?: (item: Item, answer: Answer) => boolean;
  /** Whether a statement that ended in this SQLSTATE passes when it is sent again at once. */
  passesAtOnce?: (state: string) => boolean;
  /** What callers are answered when the database failed; without `rolledBack` nobody knows whether it was done. */
  unavailable?: (rolledBack: boolean) => string;
}

/**
 * What comes in while a statement is under way goes together in the next: under load batches grow by themselves, and an
 * item that is alone goes at once. Always true: each item is answered once, by what its statement committed; an item that
 * the database refuses fails alone; when its outcome is unknown its caller is answered 503.
 */
export class GroupCommit<Item, Answer> {
  private readonly logger = new Logger(GroupCommit.name);
  private readonly queue: Queue<Waiter<Item, Answer>>;
  /** When each statement that is under way was sent, the oldest first. */
  private readonly inFlight: number[] = [];
  private timer: NodeJS.Timeout | undefined;
  /** How long a statement takes, of late. */
  private usualMs = 0;
  private scheduled = false;
  /** Statements that have ended and whose items are being answered. */
  private answering = 0;

  constructor(private readonly options: GroupCommitOptions<Item, Answer>) {
    this.queue = options.queue ?? new ArrivalQueue();
  }

  /** Items that wait. */
  get waiting(): number {
    return this.queue.size;
  }

  /** @throws what `limit.full` makes; UnavailableProblem when the database does not answer; its error for a bad item */
  push(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => this.add({ item, resolve, reject }));
  }

  /** The same for who has somebody that waits already. */
  add(waiter: Waiter<Item, Answer>): void {
    const { limit } = this.options;
    if (limit !== undefined && this.queue.size >= limit.maxWaiting) return waiter.reject(limit.full());
    if (tracing.spans !== null) waiter.place ??= tracing.spans.place();
    this.queue.push(waiter);
    this.schedule();
  }

  /** Sends what waits once this turn of the event loop has read all that has come in: no timer, no added wait. */
  private schedule(): void {
    if (this.scheduled || this.inFlight.length >= this.maxInFlight) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.sendWaiting();
    });
  }

  private get maxInFlight(): number {
    return this.options.maxInFlight ?? 1;
  }

  private sendWaiting(): void {
    clearTimeout(this.timer);
    while (this.inFlight.length < this.maxInFlight && this.queue.size >= this.minToSend()) {
      const batch = this.queue.dequeue(this.options.maxItems);
      if (batch.length === 0) return;
      void this.carry(batch);
    }
    if (this.options.patienceMs === undefined || this.queue.size === 0 || this.inFlight.length >= this.maxInFlight) return;
    this.timer = setTimeout(() => this.sendWaiting(), this.patience).unref();
  }

  private minToSend(): number {
    const { minBeside = 1 } = this.options;
    if (this.inFlight.length === 0) return this.answering > 0 ? this.minAhead : 1;
    return performance.now() - (this.inFlight[0] as number) >= this.patience ? 1 : minBeside;
  }

  private get minAhead(): number {
    return this.options.minAhead ?? 1;
  }

  private get patience(): number {
    return Math.max(this.options.patienceMs ?? Infinity, STUCK_FACTOR * this.usualMs);
  }

  private async carry(batch: readonly Waiter<Item, Answer>[]): Promise<void> {
    const sentAt = performance.now();
    this.inFlight.push(sentAt);
    const settled = await this.commit(batch, 0);
    this.inFlight.splice(this.inFlight.indexOf(sentAt), 1);
    this.usualMs += (Math.min(performance.now() - sentAt, MAX_USUAL_MS) - this.usualMs) / 16;
    this.queue.settled?.(batch);
    const again = this.options.goesAgain === undefined ? NONE : this.requeue(settled);
    // Where enough wait, the next statement goes before this one's items are answered: the database works meanwhile.
    this.answering++;
    this.sendWaiting();
    let answered = 0;
    for (const { waiters, answers, error } of settled) {
      for (const [i, waiter] of waiters.entries()) {
        if (answers === null) waiter.reject(error);
        else if (!again.has(waiter)) waiter.resolve(answers[i] as Answer);
        // A hundred answers at once would be a pause to everybody else.
        if (++answered % ANSWERS_A_ROUND !== 0) continue;
        await breathe();
        if (this.queue.size > 0) this.sendWaiting();
      }
    }
    if (this.options.minAhead !== undefined) await this.gather();
    this.answering--;
    if (this.queue.size > 0) this.sendWaiting();
  }

  /** Waits as long as each round of the event loop brings some more, few rounds at most. */
  private async gather(): Promise<void> {
    for (let round = 0, before = -1; round < GATHERING_ROUNDS && this.queue.size > before && this.mayGather(); round++) {
      before = this.queue.size;
      await breathe();
    }
  }

  private mayGather(): boolean {
    return this.inFlight.length === 0 && this.queue.size < this.minAhead;
  }

  private requeue(settled: readonly Settled<Item, Answer>[]): ReadonlySet<unknown> {
    const { goesAgain } = this.options;
    const again = settled.flatMap(({ waiters, answers }) => (answers === null ? [] : waiters.filter(({ item }, i) => goesAgain?.(item, answers[i] as Answer))));
    if (again.length === 0) return NONE;
    this.queue.putBack(again);
    return new Set(again);
  }

  /** Never rejects. */
  private async commit(waiters: readonly Waiter<Item, Answer>[], attempt: number): Promise<Settled<Item, Answer>[]> {
    try {
      const answers = await this.send(waiters);
      if (answers.length !== waiters.length) throw new Error(`${answers.length} answers to ${waiters.length} items`);
      return [{ waiters, answers, error: null }];
    } catch (error) {
      return this.recover(waiters, error, attempt);
    }
  }

  private send(waiters: readonly Waiter<Item, Answer>[]): Promise<readonly Answer[]> {
    const items = waiters.map(({ item }) => item);
    if (tracing.spans === null) return this.options.send(items);
    const fields = { 'quotidian.batch.of': this.options.name, 'quotidian.batch.size': items.length };
    const places = waiters.map(({ place }) => place);
    return tracing.spans.shared('batch', fields, places, () => this.options.send(items));
  }

  /** A failed statement. What passes is tried again; an item that the database cannot take is found by halving. */
  private async recover(waiters: readonly Waiter<Item, Answer>[], error: unknown, attempt: number): Promise<Settled<Item, Answer>[]> {
    const rolledBack = isRolledBack(error);
    const state = sqlState(error) ?? '';
    if (rolledBack && attempt < RETRIES) {
      if (this.options.passesAtOnce?.(state)) return this.commit(waiters, attempt + 1);
      if (MAY_PASS.test(state)) {
        await delay(Math.random() * 20 * 2 ** attempt);
        return this.commit(waiters, attempt + 1);
      }
    }
    if (rolledBack && !isTransient(error) && waiters.length > 1) {
      const half = waiters.length >> 1;
      return [...(await this.commit(waiters.slice(0, half), attempt)), ...(await this.commit(waiters.slice(half), attempt))];
    }
    const isOwn = waiters.length === 1 && !isTransient(error);
    return [{ waiters, answers: null, error: isOwn ? error : this.unavailable(error, rolledBack, waiters.length) }];
  }

  private unavailable(error: unknown, rolledBack: boolean, items: number): Error {
    this.logger.warn({ sqlState: sqlState(error), items }, `${this.options.name} failed`);
    const done = rolledBack ? 'Nothing was changed.' : 'Whether it was done is not certain.';
    const problem = new UnavailableProblem(this.options.unavailable?.(rolledBack) ?? `The database cannot take this now. ${done} Try again.`);
    problem.cause = error;
    return problem;
  }
}
