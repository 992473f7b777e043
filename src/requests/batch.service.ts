import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { type Principal } from '../common/principal';
import { parseIdempotencyKey } from '../idempotency/idempotency-key';
import { BatchItemDto } from './dto/batch.dto';
import { CompleteItemDto } from './dto/work.dto';
import { checkItem, type Fate } from './item-answers';
import { type BatchItem, SubmitService } from './submit.service';
import { WorkService } from './work.service';

/** Calls with many items. Always true: each item has the fate that it would have had alone, and the others do not change it. */
@Injectable()
export class BatchService {
  constructor(
    private readonly submits: SubmitService,
    private readonly work: WorkService,
  ) {}

  /**
   * Submits all, in order and in one go.
   * @param batchKey the call's own Idempotency-Key: items without one get theirs from it and their place
   */
  async submit(principal: Principal, items: readonly unknown[], batchKey: string | null, isGone: () => boolean): Promise<Fate[]> {
    const fates = await this.submits.submitAll(
      principal,
      items.map((item, i) => toItem(item, i, batchKey)),
      isGone,
    );
    return fates.map((fate) => (fate.status === 'fulfilled' ? { status: 'fulfilled', value: fate.value.json } : fate));
  }

  /** Ends all well, in one go. */
  complete(items: readonly unknown[]): Promise<Fate[]> {
    return Promise.allSettled(
      items.map(async (item, i) => {
        const { id, ...word } = checkItem(CompleteItemDto, item, i);
        return JSON.stringify(await this.work.complete(id, word));
      }),
    );
  }
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
