import { GroupCommit } from './group-commit';

/**
 * Many reads in one statement, those of one key once. Always true: what a caller is given was read after it asked; a key
 * that the database cannot take fails alone.
 */
export class SharedReads<Key, Value> {
  /** Reads that were asked for and are not under way: whoever asks for the same key shares them. */
  private readonly unsent = new Map<Key, Promise<Value | undefined>>();
  private readonly reads: GroupCommit<Key, Value | undefined>;

  /** @param maxKeys how many keys one statement is given */
  constructor(read: (keys: Key[]) => Promise<ReadonlyMap<Key, Value>>, maxKeys: number) {
    this.reads = new GroupCommit<Key, Value | undefined>({
      name: 'reads that go together',
      maxItems: maxKeys,
      maxInFlight: 2,
      minBeside: 8,
      send: async (keys) => {
        for (const key of keys) this.unsent.delete(key);
        const found = await read([...keys]);
        return keys.map((key) => found.get(key));
      },
    });
  }

  /** Undefined when there is nothing under the key. */
  get(key: Key): Promise<Value | undefined> {
    const unsent = this.unsent.get(key);
    if (unsent !== undefined) return unsent;
    const read = this.reads.push(key);
    this.unsent.set(key, read);
    return read;
  }
}
