import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { type Principal } from '../common/principal';
import { CallSlots } from '../http/call-slots';
import { type IdempotentCall, parseIdempotencyKey } from '../idempotency/idempotency-key';
import { IdempotencyService } from '../idempotency/idempotency.service';
import { QueueFull } from '../ledger/ledger.errors';
import { BatchItemDto } from './dto/batch.dto';
import { CompleteItemDto } from './dto/work.dto';
import { checkItem, type ItemOutcome, itemAnswers, statusOf } from './item-answers';
import { type BatchItem, SubmitService } from './submitting/submit.service';
import { WorkService } from './working/work.service';

/** The status of an item whose client went away before it was sent; what follows are faults of ours. */
const CLIENT_GONE = 499;
/** Of one caller: enough to keep the database busy, few enough that their answers are no long pause. */
const UNDER_WAY_MAX = 2;
/** Of one caller; each is a body in memory. */
const WAITING_MAX = 128;
/** So many times as long as a call took that charged nothing, its place stays empty: refusals are paid with time. */
const REST_FACTOR = 3;
const REST_MAX_MS = 50;

/** Calls with many items. Always true: each item has the outcome that it would have had alone, and the others do not change it. */
@Injectable()
export class BatchService {
  private readonly slots = new CallSlots<number>({ max: UNDER_WAY_MAX, waitingMax: WAITING_MAX, full: () => new QueueFull() });

  constructor(
    private readonly submits: SubmitService,
    private readonly work: WorkService,
    private readonly idempotency: IdempotencyService,
  ) {}

  /**
   * Submits all, in order and in one go, and answers as JSON.
   * @param call the call's own Idempotency-Key, if it has one
   * @throws StoredAnswer, IdempotencyKeyReused, IdempotencyKeyInUse, QueueFull when too many such calls of the caller wait
   */
  submit(principal: Principal, items: readonly unknown[], call: IdempotentCall | null, callId: string, isGone: () => boolean): Promise<string> {
    let charged = false;
    const submitAll = async (batchKey: string | null): Promise<ItemOutcome[]> => {
      const outcomes = await this.submitAll(principal, items, batchKey, isGone);
      charged = outcomes.some(({ status }) => status === 'fulfilled');
      return outcomes;
    };
    const work = (): Promise<string> => this.submitInSlot(submitAll, principal, call, callId);
    return this.slots.run(principal.userId, work, (elapsedMs) => (charged ? 0 : Math.min(REST_MAX_MS, elapsedMs * REST_FACTOR)));
  }

  private async submitInSlot(
    submitAll: (batchKey: string | null) => Promise<ItemOutcome[]>,
    { userId }: Principal,
    call: IdempotentCall | null,
    callId: string,
  ): Promise<string> {
    if (call === null) return itemAnswers(await submitAll(null), 201, callId);
    const work = async () => {
      const outcomes = await submitAll(call.key);
      return { status: 200, text: itemAnswers(outcomes, 201, callId), kept: isDecided(outcomes) };
    };
    return (await this.idempotency.inParts({ ...call, userId }, work)).text;
  }

  /** @param batchKey the call's own key: items without one get theirs from it and their place, so that what was charged before a death is found again */
  private async submitAll(principal: Principal, items: readonly unknown[], batchKey: string | null, isGone: () => boolean): Promise<ItemOutcome[]> {
    const outcomes = await this.submits.submitAll(
      principal,
      items.map((item, i) => toItem(item, i, batchKey)),
      isGone,
    );
    return outcomes.map((outcome) => (outcome.status === 'fulfilled' ? { status: 'fulfilled', value: outcome.value.json } : outcome));
  }

  /** Ends all well, in one go. */
  complete(items: readonly unknown[]): Promise<ItemOutcome[]> {
    return Promise.allSettled(
      items.map(async (item, i) => {
        const { id, ...result } = checkItem(CompleteItemDto, item, i);
        return this.work.complete(id, result);
      }),
    );
  }
}

/** Whether a retry is to get the same answer: something was charged, and each item was either admitted or refused for good. */
function isDecided(outcomes: readonly ItemOutcome[]): boolean {
  return (
    outcomes.some(({ status }) => status === 'fulfilled') &&
    outcomes.every((outcome) => outcome.status === 'fulfilled' || statusOf(outcome.reason) < CLIENT_GONE)
  );
}

function toItem(item: unknown, i: number, batchKey: string | null): BatchItem {
  try {
    const { idempotencyKey, ...dto } = checkItem(BatchItemDto, item, i);
    const key = parseIdempotencyKey(idempotencyKey) ?? (batchKey === null ? null : `${createHash('sha256').update(batchKey).digest('base64url')}/${i}`);
    return { dto, key };
  } catch (refusal) {
    return { refusal };
  }
}
