/** Ids that were drawn since the floor, before it is worth a look at who draws them: a pass steps over so many in a millisecond. */
const WORTH_A_LOOK = 5_000;
const BETWEEN_LOOKS_MS = 1_000;

/** What a pass of the relay saw. */
export interface Pass {
  /** The last id that was drawn when it was under way. */
  lastId: number;
  /** Whether it numbered all that it saw. */
  isThrough: boolean;
  /** When it ended, in milliseconds of any clock. */
  at: number;
}

/**
 * Below which id no event waits for its position any more, so that a pass need not step over what others were: their entries stay in the index for as long as
 * somebody's snapshot is open, a backup's for an hour. Always true: an event that is or will be visible without a position has an id above the floor.
 *
 * Why: whoever draws an id holds a lock on the table from before that to the end of the transaction. So once all who held it after the last id was read have
 * ended, each id up to that one is of an event that is visible, or of one that never will be; a pass that begins then and is through has numbered the visible
 * ones. A transaction that stays open and has recorded an event keeps the floor where it is, and nobody's events.
 */
export class SettledIds {
  floor = 0;
  /** An id that was the last one, and who may have drawn it or an earlier one and go on. */
  private watched: { id: number; writers: ReadonlySet<string> } | null = null;
  /** An id whose writers, and those of all before it, have ended: the next pass that is through makes it the floor. */
  private settled: number | null = null;
  private lookedAt = -Infinity;

  /** @param writers who holds the lock now */
  async follow({ lastId, isThrough, at }: Pass, writers: () => Promise<string[]>): Promise<void> {
    // The database was put back beneath this process.
    if (lastId < this.floor) this.forget();
    if (this.settled !== null) {
      if (!isThrough) return;
      this.floor = this.settled;
      this.settled = null;
    }
    if (lastId - this.floor < WORTH_A_LOOK || at - this.lookedAt < BETWEEN_LOOKS_MS) return;
    this.lookedAt = at;
    const present = await writers();
    this.watched ??= { id: lastId, writers: new Set(present) };
    const { id, writers: before } = this.watched;
    if (present.some((writer) => before.has(writer))) return;
    this.settled = id;
    this.watched = null;
  }

  private forget(): void {
    this.floor = 0;
    this.watched = null;
    this.settled = null;
  }
}
