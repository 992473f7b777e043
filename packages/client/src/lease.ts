import { type Client, type Schemas } from './client';
import { pause } from './pause';
import { ProblemError } from './problem-error';
import { CancelRequested, LeaseLost } from './work-errors';

export type ClaimedRequest = Schemas['ClaimedRequestDto'];

/** The hold on one attempt, kept by heartbeats at a third of its length until it is released. */
export class Lease {
  private readonly over = new AbortController();
  private readonly release_ = new AbortController();
  private readonly lengthMs: number;
  private endsAt: number;
  isLost = false;

  constructor(
    private readonly client: Client,
    private readonly request: ClaimedRequest,
    private readonly leaseSeconds: number | undefined,
    private readonly onError: (error: unknown) => void,
  ) {
    // The two instants are of the service's clock, so ours need not be right.
    this.lengthMs = Date.parse(request.leaseExpiresAt) - Date.parse(request.startedAt ?? request.updatedAt);
    this.endsAt = performance.now() + this.lengthMs;
    void this.keep();
  }

  /** Aborted once the lease is lost or the request is wanted no more. */
  get signal(): AbortSignal {
    return this.over.signal;
  }

  /** Extends the lease now. @throws the signal's reason if the work is to stop, or what kept the heartbeat from the service */
  async heartbeat(): Promise<void> {
    this.signal.throwIfAborted();
    await this.beat();
    this.signal.throwIfAborted();
  }

  release(): void {
    this.release_.abort();
  }

  private async keep(): Promise<void> {
    while (!this.isLost) {
      try {
        await pause(this.lengthMs / 3, this.release_.signal);
      } catch {
        return;
      }
      await this.beat().catch(this.onError);
    }
  }

  private async beat(): Promise<void> {
    const { id, attempt } = this.request;
    const sentAt = performance.now();
    // After the lease's end an answer is of no use. A signal of its own: one that lives as long as the lease would gather listeners.
    const timeout = AbortSignal.timeout(Math.max(Math.ceil(this.endsAt - sentAt), 0));
    try {
      const { data } = await this.client.POST('/v1/requests/{id}/heartbeat', {
        params: { path: { id } },
        body: { attempt, leaseSeconds: this.leaseSeconds },
        signal: timeout,
      });
      this.endsAt = sentAt + this.lengthMs;
      if (data.cancelRequested) this.over.abort(new CancelRequested());
    } catch (error) {
      // What it answers after the release is about an attempt that has its end.
      if (this.release_.signal.aborted) return;
      if (!isOver(error) && performance.now() < this.endsAt) throw error;
      this.isLost = true;
      this.over.abort(new LeaseLost({ cause: error }));
    }
  }
}

/** Whether the service answered that the attempt is not under way any more. */
export function isOver(error: unknown): error is ProblemError {
  return error instanceof ProblemError && (error.status === 409 || error.status === 404);
}
