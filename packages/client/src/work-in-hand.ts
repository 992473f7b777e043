import { type Client, type Schemas } from './client';
import { type ClaimedRequest, isOver, Lease } from './lease';
import { type Outcome, type OutcomeDelivery } from './outcome-delivery';
import { pause } from './pause';
import { ProblemError } from './problem-error';
import { PermanentError } from './work-errors';

export interface HandlerContext {
  /** Aborted when the result is of no use any more: its reason is `CancelRequested` or `LeaseLost`. */
  signal: AbortSignal;
  /** Heartbeats are sent all the time; this one is for now, and throws if the work is to stop. */
  heartbeat(): Promise<void>;
  /** Sets how many units it came to, if fewer than the request's cost: the rest goes back. */
  settle(units: number): void;
}

/** What it returns (any JSON) is the result; what it throws is tried again while attempts are left, but for a `PermanentError`. */
export type Handler = (request: ClaimedRequest, context: HandlerContext) => unknown;

const MAX_MESSAGE_CHARS = 2_000;
const PAUSE_MS = 1_000;

/** One attempt, from its claim to the outcome that ends it. */
export class WorkInHand {
  private readonly lease: Lease;
  private units: number | undefined;

  constructor(
    client: Client,
    private readonly outcomes: OutcomeDelivery,
    private readonly request: ClaimedRequest,
    leaseSeconds: number | undefined,
    private readonly onError: (error: unknown) => void,
  ) {
    this.lease = new Lease(client, request, leaseSeconds, onError);
  }

  /** Never rejects. */
  async carryOut(handler: Handler): Promise<void> {
    try {
      const outcome = await this.outcome(handler);
      // Somebody else may have it: no outcome of ours would be accepted.
      if (this.lease.isLost) this.onError(this.lease.signal.reason);
      else await this.deliver(outcome);
    } finally {
      this.lease.release();
    }
  }

  private async outcome(handler: Handler): Promise<Outcome> {
    const { attempt } = this.request;
    const { signal } = this.lease;
    try {
      const settle = (units: number) => void (this.units = units);
      const result = await handler(this.request, { signal, settle, heartbeat: () => this.lease.heartbeat() });
      return { act: 'complete', body: { attempt, result: asJson(result), units: this.units } };
    } catch (error) {
      if (!signal.aborted) this.onError(error);
      return this.failure(error, !(error instanceof PermanentError));
    }
  }

  private failure(error: unknown, retryable: boolean): Outcome {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    const reported = { name: storable(name), message: storable(message.slice(0, MAX_MESSAGE_CHARS)) };
    return { act: 'fail', body: { attempt: this.request.attempt, error: reported, retryable, units: this.units } };
  }

  /** The work is done: while the lease lasts, it is sent to an unreachable service again and again. */
  private async deliver(outcome: Outcome): Promise<void> {
    for (;;) {
      try {
        return await this.outcomes.send(this.request.id, outcome);
      } catch (error) {
        if (isOver(error)) return this.isEcho(outcome, error) ? undefined : this.onError(error);
        this.onError(error);
        if (error instanceof ProblemError && error.status < 500 && error.status !== 429) return this.deliverRefusal(outcome, error);
      }
      if (this.lease.isLost) return;
      await pause(PAUSE_MS * (0.5 + Math.random()));
    }
  }

  /**
   * A result that the service refused by itself, for its size or its units, would not be taken from another attempt. Any
   * other refusal, such as a proxy's, shows nothing of the work: the request is left to its lease.
   */
  private async deliverRefusal(outcome: Outcome, error: ProblemError): Promise<void> {
    if ((error.status !== 400 && error.status !== 413) || error.code === 'unexpected-answer') return;
    if (outcome.act === 'fail' && outcome.body.units === undefined) return;
    this.units = undefined;
    await this.deliver(outcome.act === 'complete' ? this.failure(error, false) : { act: 'fail', body: { ...outcome.body, units: undefined } });
  }

  /** Whether the outcome was refused because it was received before, and only the answer to it got lost. */
  private isEcho(outcome: Outcome, { problem }: ProblemError): boolean {
    if (problem.currentAttempt !== this.request.attempt) return false;
    return outcome.act === 'fail' || problem.currentStatus === 'succeeded';
  }
}

/** Text without what the service cannot store: a NUL, or half of a surrogate pair, as where a message was cut. */
function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\ufffd');
}

/** @throws PermanentError if it is none */
function asJson(result: unknown): Schemas['CompleteDto']['result'] {
  try {
    JSON.stringify(result);
    // Any JSON is taken, which the schema cannot express.
    return result;
  } catch (cause) {
    throw new PermanentError('The result is not JSON.', { cause });
  }
}
