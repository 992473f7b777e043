/** So many must wait for a read to be sent beside another one: the database is not left idle, nor fed in crumbs. */
const SECOND_READ = 8;
const MOST_IN_FLIGHT = 2;

interface Waiting<Value> {
  resolve: (value: Value | undefined) => void;
  reject: (error: unknown) => void;
}

/**
 * Many reads in one statement. While one is under way those that come in wait, and go together in the next: under load
 * batches grow by themselves, and a read that is alone goes at once. Always true: what a caller is given was read after it asked.
 */
export class SharedReads<Key, Value> {
  private readonly waiting = new Map<Key, Waiting<Value>[]>();
  private inFlight = 0;

  /** @param most how many keys one statement is given */
  constructor(
    private readonly read: (keys: Key[]) => Promise<ReadonlyMap<Key, Value>>,
    private readonly most: number,
  ) {}

  /** Undefined when there is nothing under the key. */
  get(key: Key): Promise<Value | undefined> {
    return new Promise((resolve, reject) => {
      const others = this.waiting.get(key);
      if (others) others.push({ resolve, reject });
      else this.waiting.set(key, [{ resolve, reject }]);
      this.pump();
    });
  }

  private pump(): void {
    while (this.inFlight < MOST_IN_FLIGHT && this.waiting.size >= (this.inFlight === 0 ? 1 : SECOND_READ)) void this.send();
  }

  private async send(): Promise<void> {
    const batch = [...this.waiting].slice(0, this.most);
    for (const [key] of batch) this.waiting.delete(key);
    this.inFlight++;
    try {
      const found = await this.read(batch.map(([key]) => key));
      for (const [key, callers] of batch) for (const { resolve } of callers) resolve(found.get(key));
    } catch (error) {
      for (const [, callers] of batch) for (const { reject } of callers) reject(error);
    } finally {
      this.inFlight--;
      this.pump();
    }
  }
}
