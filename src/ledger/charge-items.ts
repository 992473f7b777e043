import { type Charge, type ShadowCode } from './charge';
import { idTail } from './request-id';

/** A charge as JSON, for the general statement; `shadowed`: by what it would be refused; it is admitted whatever is left, and adds nothing to the quota. By hand: its payload is JSON already; every other text in it is of a plain alphabet or encoded. */
export function toItem(
  { userId, keyId, keyCap, type, status, cost, payloadJson, idempotency, deadline, holdSeconds }: Charge,
  shadowed: ShadowCode | null,
): string {
  const key =
    idempotency === null
      ? ''
      : `,"scope":"${idempotency.scope}","key":${JSON.stringify(idempotency.key)},"fingerprint":"${idempotency.fingerprint.toString('hex')}"`;
  const due = deadline === undefined ? '' : typeof deadline === 'number' ? `,"deadline_seconds":${deadline}` : `,"deadline_at":"${deadline}"`;
  const hold = holdSeconds === undefined ? '' : `,"hold_seconds":${holdSeconds}`;
  return (
    `{"user_id":${userId},"key_id":${keyId},"capped":${keyCap !== 'none'},"type":"${type}","status":"${status}",` +
    `"cost":${cost},"tail":"${idTail()}","payload":${payloadJson}${key}${due}${hold},"shadow":${shadowed !== null},"shadow_code":${JSON.stringify(shadowed)}}`
  );
}

/** What a batch asks of one user. */
interface Asked {
  userId: number;
  units: number;
  requests: number;
}

/** A batch as parallel arrays, as PostgreSQL writes them: by hand, because pg would look at each value to find out what it is. */
export interface PlainItems {
  values: Record<'userIds' | 'units' | 'requests' | 'owners' | 'keyIds' | 'types' | 'statuses' | 'costs' | 'upto' | 'payloads' | 'tails', string>;
  /** By charge, in the order of the batch. */
  tails: readonly string[];
  upto: readonly number[];
}

export function toPlainItems(charges: readonly Charge[]): PlainItems {
  const asked = new Map<number, Asked>();
  const upto: number[] = [];
  for (const { userId, cost } of charges) {
    const user = asked.get(userId) ?? { userId, units: 0, requests: 0 };
    asked.set(userId, user);
    user.requests++;
    upto.push((user.units += cost));
  }
  // In id order: that is the order in which their rows are locked.
  const users = [...asked.values()].sort((a, b) => a.userId - b.userId);
  const tails = charges.map(() => idTail());
  const values = {
    userIds: array(users.map(({ userId }) => userId)),
    units: array(users.map(({ units }) => units)),
    requests: array(users.map(({ requests }) => requests)),
    owners: array(charges.map(({ userId }) => userId)),
    keyIds: array(charges.map(({ keyId }) => keyId ?? 'NULL')),
    types: array(charges.map(({ type }) => type)),
    statuses: array(charges.map(({ status }) => status)),
    costs: array(charges.map(({ cost }) => cost)),
    upto: array(upto),
    payloads: array(charges.map(({ payloadJson }) => quoted(payloadJson))),
    tails: array(tails),
  };
  return { values, tails, upto };
}

/** Of elements that need no quotes, or have them. */
function array(elements: readonly (string | number)[]): string {
  return `{${elements.join()}}`;
}

function quoted(json: string): string {
  return json === '{}' ? '"{}"' : `"${json.replaceAll(/["\\]/g, '\\$&')}"`;
}
