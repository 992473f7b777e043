import { setImmediate as breathe } from 'node:timers/promises';

/** Large calls of one caller that are carried out at once: enough to keep the database busy, few enough that their answers are no long pause. */
const MAX_UNDER_WAY = 2;
/** Of one caller; each is a body in memory. */
const MAX_WAITING = 128;

interface Caller {
  underWay: number;
  waiting: (() => void)[];
}

/**
 * Turns of calls that take many items or give many: those of one caller follow each other, whatever else goes on. Always
 * true: between two of them others are served, so a hundred such calls of one caller hold up nobody but their caller.
 */
export class CallTurns {
  private readonly callers = new Map<number, Caller>();

  /** @param full what a caller is told of whom too many calls wait */
  constructor(private readonly full: () => Error) {}

  /** @throws what `full` makes, at once, when too many of this caller wait */
  async take<T>(userId: number, work: () => Promise<T>): Promise<T> {
    await this.enter(userId);
    try {
      return await work();
    } finally {
      this.leave(userId);
    }
  }

  private async enter(userId: number): Promise<void> {
    const caller = this.callers.get(userId) ?? { underWay: 0, waiting: [] };
    this.callers.set(userId, caller);
    if (caller.underWay < MAX_UNDER_WAY) return void caller.underWay++;
    if (caller.waiting.length >= MAX_WAITING) throw this.full();
    await new Promise<void>((resolve) => caller.waiting.push(resolve));
    await breathe();
  }

  /** Hands the turn on, if anybody waits for it. */
  private leave(userId: number): void {
    const caller = this.callers.get(userId) as Caller;
    const next = caller.waiting.shift();
    if (next) return next();
    if (--caller.underWay === 0) this.callers.delete(userId);
  }
}
