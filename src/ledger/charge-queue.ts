import { type Queue } from '../database/arrival-queue';
import { type Waiter } from '../database/group-commit';
import { type Decision } from './admission.repository';
import { type Charge } from './charge';
import { ClientGone } from './ledger.errors';

/** A charge that waits for its decision. */
export interface PendingCharge {
  charge: Charge;
  /** Read without a lock first: its user had nothing left a moment ago. */
  peek: boolean;
  /** Refused once already, by rows newer than the look for its Idempotency-Key. */
  doubted: boolean;
}

type Waiting = Waiter<PendingCharge, Decision>;

/**
 * Charges in arrival order for each user, taken from users in turn: however many one user sends, the others' next charge
 * is in the next batch. Two charges of which the second must see what the first did are never in one batch.
 */
export class ChargeQueue implements Queue<Waiting> {
  private readonly users = new Map<number, Waiting[]>();
  size = 0;
  payloadChars = 0;

  /** @param maxOfUser of one user in one batch at most */
  constructor(private readonly maxOfUser: number) {}

  push(waiting: Waiting): void {
    this.count(waiting, 1);
    const own = this.users.get(waiting.item.charge.userId);
    if (own) own.push(waiting);
    else this.users.set(waiting.item.charge.userId, [waiting]);
  }

  /** Puts charges back in front of their users' others, in the order given. */
  putBack(batch: readonly Waiting[]): void {
    for (const waiting of batch.toReversed()) {
      this.count(waiting, 1);
      const { userId } = waiting.item.charge;
      this.users.set(userId, [waiting, ...(this.users.get(userId) ?? [])]);
    }
  }

  take(max: number): Waiting[] {
    for (;;) {
      const batch = this.next(max);
      const wanted = batch.filter(stillWanted);
      if (wanted.length > 0 || batch.length === 0) return wanted;
    }
  }

  /** One of each user in turn, then a second one, and so on, as far as it holds. */
  private next(max: number): Waiting[] {
    const batch: Waiting[] = [];
    const taken = new Map<string, boolean>();
    let users = [...first(this.users.keys(), max)];
    for (let round = 0; round < this.maxOfUser && users.length > 0 && batch.length < max; round++) {
      const again: number[] = [];
      for (const userId of users) {
        if (batch.length === max) break;
        const next = (this.users.get(userId) as Waiting[])[round];
        if (next === undefined || !claim(taken, next.item.charge)) continue;
        batch.push(next);
        again.push(userId);
      }
      users = again;
    }
    this.remove(batch);
    return batch;
  }

  private remove(batch: readonly Waiting[]): void {
    const taken = new Map<number, number>();
    for (const waiting of batch) {
      this.count(waiting, -1);
      taken.set(waiting.item.charge.userId, (taken.get(waiting.item.charge.userId) ?? 0) + 1);
    }
    for (const [userId, count] of taken) {
      const own = this.users.get(userId) as Waiting[];
      // Deleting and setting again moves the user behind those who were not served.
      this.users.delete(userId);
      if (own.length > count) this.users.set(userId, own.slice(count));
    }
  }

  private count({ item: { charge } }: Waiting, sign: 1 | -1): void {
    this.size += sign;
    this.payloadChars += sign * charge.payloadJson.length;
  }
}

/** A charge whose client has gone is not sent: nobody would read that it was charged. */
function stillWanted({ item, reject }: Waiting): boolean {
  if (!item.charge.isGone?.()) return true;
  reject(new ClientGone());
  return false;
}

function* first<T>(items: Iterator<T>, count: number): Generator<T> {
  for (let i = 0, next = items.next(); i < count && !next.done; i++, next = items.next()) yield next.value;
}

/**
 * Marks what the charge touches, and whether it must be alone with it in a batch: with its Idempotency-Key, and with the
 * cap of its key when it charges another user. A user's own charges under a cap are decided in order, so they share it.
 */
function claim(taken: Map<string, boolean>, { userId, idempotency, keyCap, keyId }: Charge): boolean {
  const claims: [name: string, alone: boolean][] = [];
  if (idempotency) claims.push([`${userId} ${idempotency.scope} ${idempotency.key}`, true]);
  if (keyCap !== 'none') claims.push([`key ${keyId}`, keyCap === 'foreign']);
  if (claims.some(([name, alone]) => taken.has(name) && (alone || taken.get(name)))) return false;
  for (const [name, alone] of claims) taken.set(name, alone);
  return true;
}
