import { Logger } from '@nestjs/common';
import { isBadData, isTransient, isUnusableData, sqlState } from '../common/database-errors';
import { InternalError, UnstorableValue } from '../http/http.errors';
import { FlawedItem } from '../http/json-items';
import { Problem, StoredValueUnusable, UnavailableProblem, ValidationProblem } from '../http/problem';
import { checkBody } from '../http/validation.pipe';

export const JSON_TYPE = 'application/json; charset=utf-8';

const logger = new Logger('ItemAnswers');

/** What became of one item of a call with many: the request as JSON, or why not. */
export type ItemOutcome = PromiseSettledResult<string>;

/**
 * The answer `{ items: [{ status, request } | { status, problem }] }` as JSON, in the order of the items.
 * @param status of those that went well
 * @param callId the id of the call, which problems bear
 */
export function itemAnswers(outcomes: readonly ItemOutcome[], status: number, callId: string): string {
  const answers = outcomes.map((outcome, i) =>
    outcome.status === 'fulfilled' ? `{"status":${status},"request":${outcome.value}}` : refused(outcome.reason, `urn:quotidian:request:${callId}#/items/${i}`),
  );
  return `{"items":[${answers.join()}]}`;
}

/** Checks an item by itself. @throws ValidationProblem with pointers into the whole body */
export function checkItem<Dto extends object>(dto: new () => Dto, item: unknown, i: number): Dto {
  if (item instanceof FlawedItem) throw item.problem;
  try {
    return checkBody(dto, item);
  } catch (error) {
    if (!(error instanceof ValidationProblem)) throw error;
    throw new ValidationProblem(error.errors.map((one) => ({ ...one, pointer: `#/items/${i}${one.pointer.slice(1)}` })));
  }
}

function refused(error: unknown, instance: string): string {
  const problem = problemOf(error);
  return JSON.stringify({ status: problem.getStatus(), problem: { ...(problem.getResponse() as object), instance } });
}

/** The status that the refusal of an item bears. */
export function statusOf(refusal: unknown): number {
  return refusal instanceof Problem ? refusal.getStatus() : 500;
}

function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (isTransient(error)) return new UnavailableProblem('The database cannot take this now. Whether it was done is not certain; try again.');
  if (isBadData(error)) {
    logger.warn({ sqlState: sqlState(error) }, 'a value that the database does not take came past validation');
    return new UnstorableValue('item');
  }
  logger.error({ err: error }, isUnusableData(error) ? 'a stored value cannot be used' : 'an item failed');
  if (isUnusableData(error)) return new StoredValueUnusable();
  return new InternalError('Something failed on our side. It is logged.');
}
