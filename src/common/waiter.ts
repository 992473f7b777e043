/**
 * Somebody who waits for a change. Always true: a signal that comes between a look and the wait makes the wait short, so
 * none is lost; once closed there is nothing left to wait for.
 */
export class Waiter {
  private changed = false;
  private resume: (() => void) | null = null;
  isClosed = false;

  /** False while it looks for itself. */
  get isWaiting(): boolean {
    return this.resume !== null;
  }

  /** There may be something new to see. */
  signal(): void {
    this.changed = true;
    this.resume?.();
  }

  /** For good: the client has gone, its credential has ended, or the service stops. */
  close(): void {
    this.isClosed = true;
    this.resume?.();
  }

  /**
   * Until a signal, the close, or the time is over.
   * @param forMs milliseconds; Infinity where somebody else sees to it that a lost signal does no harm
   * @returns whether it is open still
   */
  async waitForChange(forMs: number): Promise<boolean> {
    if (!this.changed && !this.isClosed && forMs > 0) {
      await new Promise<void>((resolve) => {
        const timer = forMs === Infinity ? undefined : setTimeout(() => this.resume?.(), forMs);
        this.resume = () => {
          clearTimeout(timer);
          this.resume = null;
          resolve();
        };
      });
    }
    this.changed = false;
    return !this.isClosed;
  }
}
