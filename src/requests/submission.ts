import { type Admitted, type Charge } from '../quotas/charge';
import { type RequestDto } from './dto/request.dto';

/** A request as it was admitted, as JSON. */
export function admittedJson({ id, chargedOn, state }: Admitted, { userId, type, status, cost, payloadJson }: Charge): string {
  return submittedJson(id, userId, type, status, cost, chargedOn, isoOf(state.now), payloadJson);
}

/** A request as it was answered when it was made, whatever became of it, as JSON: a retry is answered the same. */
export function asSubmittedJson({ id, userId, type, cost, chargedOn, createdAt, startedAt, finishedAt }: RequestDto, payloadJson: string): string {
  const at = createdAt.getTime();
  const status = finishedAt?.getTime() === at ? 'succeeded' : startedAt?.getTime() === at ? 'processing' : 'pending';
  return submittedJson(id, userId, type, status, cost, chargedOn, createdAt.toISOString(), payloadJson);
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
): string {
  return (
    `{"id":"${id}","userId":${userId},"type":"${type}","status":"${status}","cost":${cost},"refundedUnits":0,` +
    `"chargedOn":"${chargedOn}","payload":${payloadJson},"result":null,"error":null,"attempt":${status === 'processing' ? 1 : 0},` +
    `"createdAt":"${at}","startedAt":${status === 'pending' ? 'null' : `"${at}"`},` +
    `"finishedAt":${status === 'succeeded' ? `"${at}"` : 'null'},"updatedAt":"${at}"}`
  );
}

let last = { ms: 0, iso: '' };

/** All charges of a batch bear one time. */
function isoOf(ms: number): string {
  if (last.ms !== ms) last = { ms, iso: new Date(ms).toISOString() };
  return last.iso;
}
