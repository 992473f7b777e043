export interface FairQueueOptions {
  /** Works at a time; of one key at most one fewer, so that a newcomer finds one free. */
  atOnce: number;
  /** Works that may wait under the first of their keys. */
  waitingOfCallerMax: number;
  /** Works that may wait in all. */
  waitingMax: number;
}

export class CallerQueueFull extends Error {}
export class QueueFull extends Error {}

interface Waiting {
  keys: readonly string[];
  /** The smallest comes next. */
  start: number;
  begin: () => void;
  refuse: (error: Error) => void;
}

interface Share {
  /** Where the next work of this key stands in the order. */
  next: number;
  waiting: number;
  running: number;
}

/**
 * A queue in which each key has its share (start-time fair queueing): a work stands behind those that wait under any of its own keys, and among the
 * rest it is where it would be had they come one by one. A thousand works of one key so delay another's first by none but the one that runs.
 */
export class FairQueue {
  private readonly shares = new Map<string, Share>();
  private waiting: Waiting[] = [];
  private running = 0;
  private reached = 0;

  constructor(private readonly options: FairQueueOptions) {}

  /**
   * Does the work when it comes to it. The first key is the caller's. `restMs`, asked of what came of it and how long it took: for how long its keys then
   * begin nothing; the place is free meanwhile. @throws CallerQueueFull, QueueFull
   */
  async run<T>(keys: readonly [string, ...string[]], work: () => Promise<T>, restMs: (result: T, spentMs: number) => number = () => 0): Promise<T> {
    if ((this.shares.get(keys[0])?.waiting ?? 0) >= this.options.waitingOfCallerMax) throw new CallerQueueFull();
    await new Promise<void>((begin, refuse) => this.enter({ keys, start: this.startOf(keys), begin, refuse }));
    const begunAt = performance.now();
    let rest = 0;
    try {
      const result = await work();
      rest = restMs(result, performance.now() - begunAt);
      return result;
    } finally {
      this.running--;
      if (rest > 0) setTimeout(() => this.release(keys), rest).unref();
      else for (const key of keys) this.leave(key, 'running');
      this.beginNext();
    }
  }

  private release(keys: readonly string[]): void {
    for (const key of keys) this.leave(key, 'running');
    this.beginNext();
  }

  private startOf(keys: readonly string[]): number {
    return Math.max(this.reached, ...keys.map((key) => this.shares.get(key)?.next ?? 0));
  }

  private enter(entering: Waiting): void {
    for (const key of entering.keys) {
      const share = this.shares.get(key) ?? { next: 0, waiting: 0, running: 0 };
      this.shares.set(key, { ...share, next: entering.start + 1, waiting: share.waiting + 1 });
    }
    this.waiting.push(entering);
    this.beginNext();
    if (this.waiting.length > this.options.waitingMax) this.refuseLast();
  }

  private beginNext(): void {
    while (this.running < this.options.atOnce) {
      const next = this.waiting.reduce<Waiting | null>((best, one) => (this.mayBegin(one) && !(best !== null && best.start <= one.start) ? one : best), null);
      if (next === null) return;
      this.remove(next);
      this.running++;
      this.reached = Math.max(this.reached, next.start);
      for (const key of next.keys) {
        const share = this.shares.get(key) ?? { next: next.start + 1, waiting: 0, running: 0 };
        this.shares.set(key, { ...share, running: share.running + 1 });
      }
      next.begin();
    }
  }

  private mayBegin({ keys }: Waiting): boolean {
    const max = Math.max(1, this.options.atOnce - 1);
    return keys.every((key) => (this.shares.get(key)?.running ?? 0) < max);
  }

  /** Whoever stands last has the most before them under their own keys. */
  private refuseLast(): void {
    const last = this.waiting.reduce((worst, one) => (one.start >= worst.start ? one : worst));
    this.remove(last);
    last.refuse(new QueueFull());
  }

  private remove(one: Waiting): void {
    this.waiting = this.waiting.filter((other) => other !== one);
    for (const key of one.keys) this.leave(key, 'waiting');
  }

  private leave(key: string, what: 'waiting' | 'running'): void {
    const share = this.shares.get(key);
    if (share === undefined) return;
    share[what]--;
    if (share.waiting + share.running === 0) this.shares.delete(key);
  }
}
