/**
 * Somebody who waits for a change. Always true: a signal that comes between a look and the wait makes the wait short, so
 * none is lost; once closed there is nothing left to wait for.
 */
export class Waiter {
  private changed = false;
  private resume: ((isOpen: boolean) => void) | null = null;
  private timer: NodeJS.Timeout | undefined;
  isClosed = false;

  /** False while it looks for itself. */
  get isWaiting(): boolean {
    return this.resume !== null;
  }

  /** There may be something new to see. */
  signal(): void {
    this.changed = true;
    this.wake();
  }

  /** For good: the client has gone, its credential has ended, or the service stops. */
  close(): void {
    this.isClosed = true;
    this.wake();
  }

  /**
   * Until a signal, the close, or the time is over. No more than a promise is kept meanwhile: thousands wait.
   * @param forMs milliseconds; Infinity where somebody else sees to it that a lost signal does no harm
   * @returns whether it is open still
   */
  waitForChange(forMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      this.resume = resolve;
      if (this.changed || this.isClosed || forMs <= 0) this.wake();
      else if (forMs !== Infinity) this.timer = setTimeout(() => this.wake(), forMs);
    });
  }

  private wake(): void {
    const { resume } = this;
    if (resume === null) return;
    clearTimeout(this.timer);
    this.resume = null;
    this.changed = false;
    resume(!this.isClosed);
  }
}
