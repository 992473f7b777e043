/** Full batches in a row that are no backlog, but a busy moment. */
const BUSY_BATCHES = 10;
/** Events a second that are numbered beside what comes in: a million in half an hour, for a hundredth of a processor. */
const SPARE_A_SECOND = 600;
/** What comes in is outrun by half, so a backlog ends however busy the service is. */
const OUTRUN = 1.5;
const MAX_PAUSE_MS = 2_000;

/** How fast a backlog of events is numbered: faster than new ones come in, and else so slowly that charges do not notice. */
export class BacklogPace {
  private full = 0;
  private before: { id: number; at: number } | null = null;

  constructor(private readonly batch: number) {}

  /**
   * How long to wait after a batch, in milliseconds.
   * @param count events that it had
   * @param lastId the last id that was drawn
   * @param at now, in milliseconds of any clock
   */
  pauseAfter(count: number, lastId: number, at: number): number {
    const { before } = this;
    this.before = { id: lastId, at };
    this.full = count < this.batch ? 0 : this.full + 1;
    if (this.full <= BUSY_BATCHES || before === null || at <= before.at) return 0;
    const comingIn = Math.max(0, lastId - before.id) / (at - before.at);
    return Math.min(this.batch / (comingIn * OUTRUN + SPARE_A_SECOND / 1_000), MAX_PAUSE_MS);
  }
}
