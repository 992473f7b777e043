import { BoundedCache } from '../common/bounded-cache';
import { Allowance, type AllowanceOptions } from './allowance';
import { TooManyAttempts } from './passwords.errors';

export interface LineOptions extends AllowanceOptions {
  /** As many may wait under one key: whoever got a place goes on after as many times `everyMs` at the latest. */
  waitingMax: number;
}

/** In all lines together: each is a request that is held open. */
const WAITING_IN_ALL_MAX = 4_096;
/** What names that nobody has seen before leave of a line to those that were refused. */
const KEPT_SHARE = 4;
const REFUSED_MAX = 20_000;
const RETRY_SECONDS = 2;

/**
 * An allowance whose callers wait when it is used up, and go on one by one in the order in which they came, instead of being refused. A flood under a key so
 * delays everybody else under it by a bounded time, and starves nobody: where it fills the line, whoever comes back after having been refused finds a
 * place that names made up anew each time cannot have.
 */
export class Line {
  private readonly allowance: Allowance;
  private readonly waiting = new Map<string, (() => void)[]>();
  private readonly refused = new BoundedCache<string, true>(REFUSED_MAX);
  private readonly timed = new Set<string>();
  private inAll = 0;

  constructor(private readonly options: LineOptions) {
    this.allowance = new Allowance(options);
  }

  /** Resolves when the caller may go on. `name`: by what callers under the key differ. @throws TooManyAttempts when the line is full */
  async enter(key: string, name: string): Promise<void> {
    const line = this.waiting.get(key);
    if (line === undefined && this.allowance.spend(key) === 0) return;
    const { waitingMax } = this.options;
    const caller = `${key} ${name}`;
    const max = this.refused.has(caller) ? waitingMax : waitingMax - Math.floor(waitingMax / KEPT_SHARE);
    if ((line?.length ?? 0) >= max || this.inAll >= WAITING_IN_ALL_MAX) {
      this.refused.set(caller, true);
      throw new TooManyAttempts(RETRY_SECONDS);
    }
    this.refused.delete(caller);
    await this.wait(key, line);
  }

  /** One that was taken did not count after all: somebody else goes on earlier. */
  giveBack(key: string): void {
    this.allowance.giveBack(key);
    this.beginNext(key);
  }

  private wait(key: string, line: (() => void)[] | undefined): Promise<void> {
    this.inAll++;
    return new Promise((begin) => {
      if (line !== undefined) return void line.push(begin);
      this.waiting.set(key, [begin]);
      this.comeBack(key);
    });
  }

  private comeBack(key: string): void {
    if (this.timed.has(key)) return;
    this.timed.add(key);
    setTimeout(() => {
      this.timed.delete(key);
      if (this.beginNext(key)) this.comeBack(key);
    }, this.options.everyMs).unref();
  }

  /** Begins as many as the allowance has. @returns whether others wait */
  private beginNext(key: string): boolean {
    const line = this.waiting.get(key);
    if (line === undefined) return false;
    while (line.length > 0 && this.allowance.spend(key) === 0) {
      this.inAll--;
      line.shift()?.();
    }
    if (line.length > 0) return true;
    this.waiting.delete(key);
    return false;
  }
}
