/** Works of one name one after the other, of different names side by side. */
export class Serial {
  private readonly last = new Map<string, { work: Promise<unknown>; count: number }>();

  constructor(private readonly waitingMax: number) {}

  /** Does the work after those that came before it; null when too many wait. */
  run<T>(name: string, work: () => Promise<T>): Promise<T> | null {
    const before = this.last.get(name) ?? { work: Promise.resolve(), count: 0 };
    if (before.count > this.waitingMax) return null;
    const mine = before.work.then(work);
    const entry = { work: mine.catch(() => undefined), count: before.count + 1 };
    this.last.set(name, entry);
    void entry.work.then(() => this.left(name));
    return mine;
  }

  private left(name: string): void {
    const entry = this.last.get(name);
    if (entry === undefined) return;
    entry.count--;
    if (entry.count === 0) this.last.delete(name);
  }
}
