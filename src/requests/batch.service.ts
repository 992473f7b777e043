import { Injectable, Logger } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { type Principal } from '../common/principal';
import { type FieldError, Problem, ValidationProblem } from '../common/problem';
import { checkBody } from '../common/validation.pipe';
import { parseIdempotencyKey } from '../idempotency/idempotency-key';
import { BatchItemDto } from './dto/batch.dto';
import { type BatchItem, SubmitService } from './submit.service';

/** Submits of one call. Always true: each item has the fate that it would have had alone, and the others do not change it. */
@Injectable()
export class BatchService {
  private readonly logger = new Logger(BatchService.name);

  constructor(private readonly submits: SubmitService) {}

  /**
   * @param batchKey the call's own Idempotency-Key: items without one get theirs from it and their place
   * @returns the answer (`BatchAnswerDto`) as JSON
   */
  async submit(principal: Principal, items: readonly unknown[], batchKey: string | null, instance: string, isGone: () => boolean): Promise<string> {
    const checked = items.map((item, i) => toItem(item, i, batchKey));
    const fates = await this.submits.submitAll(principal, checked, isGone);
    const answers = fates.map((fate, i) =>
      fate.status === 'fulfilled' ? `{"status":201,"request":${fate.value.json}}` : JSON.stringify(this.refused(fate.reason, `${instance}#/items/${i}`)),
    );
    return `{"items":[${answers.join()}]}`;
  }

  private refused(error: unknown, instance: string): object {
    let problem = error as Problem;
    if (!(error instanceof Problem)) {
      this.logger.error({ err: error }, 'an item of a batch failed');
      problem = new Problem(500, 'internal-error', 'Something failed on our side. It is logged.');
    }
    return { status: problem.getStatus(), problem: { ...(problem.getResponse() as object), instance } };
  }
}

function toItem(item: unknown, i: number, batchKey: string | null): BatchItem {
  try {
    const { idempotencyKey, ...dto } = checkBody(BatchItemDto, item);
    const key = parseIdempotencyKey(idempotencyKey) ?? (batchKey === null ? null : `${createHash('sha256').update(batchKey).digest('base64url')}/${i}`);
    return { dto, key };
  } catch (error) {
    return { refusal: error instanceof ValidationProblem ? within(error, i) : error };
  }
}

/** The same refusal with its pointers into the whole body. */
function within(problem: ValidationProblem, i: number): ValidationProblem {
  const { errors } = problem.getResponse() as { errors: FieldError[] };
  return new ValidationProblem(errors.map((error) => ({ ...error, pointer: `#/items/${i}${error.pointer.slice(1)}` })));
}
