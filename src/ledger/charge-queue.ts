import { type Queue } from '../database/arrival-queue';
import { type Waiter } from '../database/group-commit';
import { ClientGone } from '../http/http.errors';
import { type Charge, type ShadowCode } from './charge';
import { type Decision } from './decision';

/** A batch that takes so long waits for something. */
const STUCK_MS = 25;

/** A charge that waits for its decision. */
export interface PendingCharge {
  charge: Charge;
  /** It needs nothing that the plain statement lacks. What is waiting of its user goes by the plain one only if all of it may. */
  plain: boolean;
  /** Its user has more than the day's own units, as far as is known. */
  forms: boolean;
  /** And is held against limits beside the day. */
  limits: boolean;
  /** By what a limit refused it that is tried out: it is admitted beside. */
  shadowed?: ShadowCode;
  /** Read without a lock first: its user had nothing left a moment ago. */
  peek: boolean;
  /** Refused once already, by rows newer than the look for its Idempotency-Key. */
  doubted: boolean;
}

export type Waiting = Waiter<PendingCharge, Decision>;

/** What waits of one user, in order of arrival. */
interface Line {
  waiting: Waiting[];
  /** Of these, those that only the general statement can decide. */
  general: number;
  payloadChars: number;
}

/**
 * Charges in arrival order for each user, taken from users in turn: however many one user sends, the others' next charge
 * is in the next batch. A batch goes by one statement, plain or general. Two charges of which the second must see what the
 * first did are never in one batch.
 */
export class ChargeQueue implements Queue<Waiting> {
  private readonly lines = new Map<number, Line>();
  /** Users of the batches that are under way: in how many, and since when. */
  private readonly underWay = new Map<number, { batches: number; since: number }>();
  size = 0;
  payloadChars = 0;

  /** @param maxOfUser of one user in one batch at most */
  constructor(private readonly maxOfUser: number) {}

  push(waiting: Waiting): void {
    const { userId } = waiting.item.charge;
    let line = this.lines.get(userId);
    if (line === undefined) this.lines.set(userId, (line = { waiting: [], general: 0, payloadChars: 0 }));
    line.waiting.push(waiting);
    this.count(line, waiting, 1);
  }

  /** Puts charges back in front of their users' others, in the order given. */
  putBack(batch: readonly Waiting[]): void {
    const later = new Map<number, Waiting[]>();
    for (const waiting of batch) {
      const { userId } = waiting.item.charge;
      if (later.has(userId)) continue;
      const line = this.lines.get(userId);
      if (line) later.set(userId, line.waiting);
      if (line) line.waiting = [];
    }
    for (const waiting of batch) this.push(waiting);
    for (const [userId, waiting] of later) this.lines.get(userId)?.waiting.push(...waiting);
  }

  dequeue(max: number): Waiting[] {
    for (;;) {
      const batch = this.next(max);
      const wanted = batch.filter(stillWanted);
      if (wanted.length === 0 && batch.length > 0) continue;
      for (const userId of usersOf(wanted)) {
        const underWay = this.underWay.get(userId);
        if (underWay) underWay.batches++;
        else this.underWay.set(userId, { batches: 1, since: performance.now() });
      }
      return wanted;
    }
  }

  /** One of each user in turn, then a second one, and so on, as far as it holds. */
  private next(max: number): Waiting[] {
    const batch: Waiting[] = [];
    const taken = new Map<string, boolean>();
    let users = this.nextUsers(max);
    for (let round = 0; round < this.maxOfUser && users.length > 0 && batch.length < max; round++) {
      const again: number[] = [];
      for (const userId of users) {
        if (batch.length === max) break;
        const next = (this.lines.get(userId) as Line).waiting[round];
        if (next === undefined || !claim(taken, next.item.charge)) continue;
        batch.push(next);
        again.push(userId);
      }
      users = again;
    }
    this.remove(batch);
    return batch;
  }

  /** Users of the kind that is first in turn. One whose batch seems stuck would only be stuck in the next one too. */
  private nextUsers(max: number): number[] {
    const users: number[] = [];
    const stuckSince = performance.now() - STUCK_MS;
    let plain: boolean | undefined;
    for (const [userId, { general }] of this.lines) {
      if ((this.underWay.get(userId)?.since ?? Infinity) < stuckSince) continue;
      plain ??= general === 0;
      if (plain === (general === 0) && users.push(userId) === max) break;
    }
    return users;
  }

  private remove(batch: readonly Waiting[]): void {
    const taken = new Map<number, number>();
    for (const waiting of batch) {
      const { userId } = waiting.item.charge;
      this.count(this.lines.get(userId) as Line, waiting, -1);
      taken.set(userId, (taken.get(userId) ?? 0) + 1);
    }
    for (const [userId, count] of taken) {
      const line = this.lines.get(userId) as Line;
      // Deleting and setting again moves the user behind those who were not served.
      this.lines.delete(userId);
      // In place: lines and their lists that grew old are kept until the next full collection, with all that still hangs on them.
      line.waiting.splice(0, count);
      if (line.waiting.length > 0) this.lines.set(userId, line);
    }
  }

  settled(batch: readonly Waiting[]): void {
    for (const userId of usersOf(batch)) {
      const underWay = this.underWay.get(userId);
      if (underWay && --underWay.batches === 0) this.underWay.delete(userId);
    }
  }

  /** What waits of the user. */
  of(userId: number): { charges: number; payloadChars: number } {
    const line = this.lines.get(userId);
    return { charges: line?.waiting.length ?? 0, payloadChars: line?.payloadChars ?? 0 };
  }

  private count(line: Line, { item: { charge, plain } }: Waiting, sign: 1 | -1): void {
    if (!plain) line.general += sign;
    line.payloadChars += sign * charge.payloadJson.length;
    this.size += sign;
    this.payloadChars += sign * charge.payloadJson.length;
  }
}

function usersOf(batch: readonly Waiting[]): Set<number> {
  return new Set(batch.map(({ item }) => item.charge.userId));
}

/** A charge whose client has gone is not sent: nobody would read that it was charged. */
function stillWanted({ item, reject }: Waiting): boolean {
  if (!item.charge.isGone?.()) return true;
  reject(new ClientGone('The client went away before its charge was sent; nothing was charged.'));
  return false;
}

/**
 * Marks what the charge touches, and whether it must be alone with it in a batch: with its Idempotency-Key, and with the
 * cap of its key when it charges another user. A user's own charges under a cap are decided in order, so they share it.
 */
function claim(taken: Map<string, boolean>, { userId, idempotency, keyCap, keyId }: Charge): boolean {
  if (idempotency === null && keyCap === 'none') return true;
  const claims: [name: string, alone: boolean][] = [];
  if (idempotency) claims.push([`${userId} ${idempotency.scope} ${idempotency.key}`, true]);
  if (keyCap !== 'none') claims.push([`key ${keyId}`, keyCap === 'foreign']);
  if (claims.some(([name, alone]) => taken.has(name) && (alone || taken.get(name)))) return false;
  for (const [name, alone] of claims) taken.set(name, alone);
  return true;
}
