/** What waits for a group commit. Whatever order it gives, each item is given once. */
export interface Queue<Item> {
  readonly size: number;
  push(item: Item): void;
  /** Puts items back in front of those that wait, in the order given. */
  putBack(items: readonly Item[]): void;
  /** The next items that may go together, `max` of them at most; none when what waits may not go now. */
  dequeue(max: number): Item[];
  /** A batch that was taken is under way no more. */
  settled?(items: readonly Item[]): void;
}

/** Items in the order in which they came; two with one key are never in one batch, so the second sees what the first did. */
export class ArrivalQueue<Item> implements Queue<Item> {
  private waiting: Item[] = [];

  /** @param keyOf null: nothing keeps two items apart */
  constructor(private readonly keyOf: ((item: Item) => unknown) | null = null) {}

  get size(): number {
    return this.waiting.length;
  }

  push(item: Item): void {
    this.waiting.push(item);
  }

  putBack(items: readonly Item[]): void {
    this.waiting.unshift(...items);
  }

  dequeue(max: number): Item[] {
    if (this.keyOf === null) return this.waiting.splice(0, max);
    const batch = new Map<unknown, Item>();
    const rest: Item[] = [];
    for (const item of this.waiting) {
      const key = this.keyOf(item);
      if (batch.size < max && !batch.has(key)) batch.set(key, item);
      else rest.push(item);
    }
    this.waiting = rest;
    return [...batch.values()];
  }
}
