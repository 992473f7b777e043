const MAX_IN_FLIGHT = 64;
/** An endpoint that answers later than this is not given more. */
const SLOW_MS = 5_000;
/** One that answers well however slowly is left so many. */
const MIN_OF_SLOW = 4;
/** So many failures one after the other are no accident: there are pauses between tries. */
const PATIENCE = 8;
const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 5_000;
/** What `Retry-After` keeps all deliveries of an endpoint for; one delivery waits as long as was asked. */
const MAX_ASKED_PAUSE_MS = 60_000;

/** What one attempt came to, for the budget. */
export interface Outcome {
  ok: boolean;
  durationMs: number;
  /** The pause that the endpoint asked for. */
  retryAfterMs: number | null;
}

/**
 * How many deliveries one endpoint may have under way. It is its own alone: what is slow or dead shrinks to a single try now and then, and
 * comes back to all within a few good answers.
 */
export class EndpointBudget {
  inFlight = 0;
  private limit = MAX_IN_FLIGHT;
  private failures = 0;
  private pausedUntil = 0;

  /** How many more may begin. @param now in milliseconds of any clock that goes forward */
  free(now: number): number {
    return now < this.pausedUntil ? 0 : Math.max(0, this.limit - this.inFlight);
  }

  /** Whether nothing is to be remembered of it. */
  get isFresh(): boolean {
    return this.inFlight === 0 && this.failures === 0;
  }

  begin(count: number): void {
    this.inFlight += count;
  }

  end({ ok, durationMs, retryAfterMs }: Outcome, now: number): void {
    this.inFlight--;
    if (ok) {
      this.failures = 0;
      this.limit = durationMs > SLOW_MS ? Math.max(MIN_OF_SLOW, this.limit >> 1) : Math.min(MAX_IN_FLIGHT, this.limit * 2);
      return;
    }
    this.failures++;
    this.limit = Math.max(1, this.limit >> 1);
    if (this.failures > PATIENCE) this.pause(Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(16, this.failures - PATIENCE)), now);
    if (retryAfterMs !== null) this.pause(Math.min(retryAfterMs, MAX_ASKED_PAUSE_MS), now);
  }

  private pause(ms: number, now: number): void {
    this.pausedUntil = Math.max(this.pausedUntil, now + ms);
  }
}
