import { type Admitted, type Charge } from '../../ledger/charge';
import { type Draw } from '../../ledger/decision';
import { type RequestDto } from '../dto/request.dto';
import { type FirstAnswer } from '../requests.repository';

/** A request as it was admitted, as JSON. */
export function admittedJson({ id, chargedOn, draws, state }: Admitted, { userId, type, status, cost, payloadJson, deadline }: Charge): string {
  const deadlineAt = typeof deadline === 'number' ? new Date(state.now + deadline * 1_000).toISOString() : (deadline ?? null);
  return submittedJson(id, userId, type, status, cost, chargedOn, isoOf(state.now), payloadJson, deadlineAt, draws);
}

/** A request as its Idempotency-Key remembers it, as JSON: a retry is answered the same. */
export function rememberedJson({ id, status, cost, chargedOn, deadlineAt, draws }: FirstAnswer, userId: number, type: string, payloadJson: string): string {
  return submittedJson(id, userId, type, status, cost, chargedOn, madeAt(id), payloadJson, deadlineAt?.toISOString() ?? null, draws ?? []);
}

/** The same from the request's row, for keys of before 0.2.0: what it was when it was made, whatever became of it. */
export function asSubmittedJson(request: RequestDto & { held: boolean }, payloadJson: string): string {
  const { id, userId, type, cost, chargedOn, createdAt, deadlineAt, draws = [] } = request;
  // Only an instant request ever succeeds without an attempt.
  const status = request.held ? 'processing' : request.attempt === 0 && request.status === 'succeeded' ? 'succeeded' : 'pending';
  return submittedJson(id, userId, type, status, cost, chargedOn, createdAt.toISOString(), payloadJson, deadlineAt?.toISOString() ?? null, draws);
}

/** Written by hand: the payload is JSON already, and this is on the way of every submit. Its members are those of `RequestDto`. */
function submittedJson(
  id: string,
  userId: number,
  type: string,
  status: Charge['status'],
  cost: number,
  chargedOn: string,
  at: string,
  payloadJson: string,
  deadlineAt: string | null,
  draws: readonly Draw[],
): string {
  return (
    `{"id":"${id}","userId":${userId},"type":"${type}","status":"${status}","cost":${cost},"refundedUnits":0,` +
    `"chargedOn":"${chargedOn}","payload":${payloadJson},"result":null,"error":null,"attempt":${status === 'processing' ? 1 : 0},` +
    `"createdAt":"${at}","startedAt":${status === 'pending' ? 'null' : `"${at}"`},` +
    `"finishedAt":${status === 'succeeded' ? `"${at}"` : 'null'},"updatedAt":"${at}","availableAt":null,` +
    `"deadlineAt":${deadlineAt === null ? 'null' : `"${deadlineAt}"`},"cancelRequestedAt":null${draws.length === 0 ? '' : `,"draws":${JSON.stringify(draws)}`}}`
  );
}

let last = { ms: 0, iso: '' };

/** All charges of a batch bear one time. */
function isoOf(ms: number): string {
  if (last.ms !== ms) last = { ms, iso: new Date(ms).toISOString() };
  return last.iso;
}

/** A UUIDv7 begins with the milliseconds of its making, which are those of the charge. */
function madeAt(id: string): string {
  return new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)).toISOString();
}
