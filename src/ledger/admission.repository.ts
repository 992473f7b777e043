import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Connections } from '../database/connections';
import { StatementPool } from '../database/statement-pool';
import { toItem, toPlainItems } from './charge-items';
import { type PendingCharge } from './charge-queue';
import { chargeStatement } from './charge.sql';
import { type Account, type Decision, LEFT_OUT } from './decision';
import { type ChargedUser, PLAIN_CHARGE } from './plain-charge.sql';
import { beginIds, requestId } from './request-id';

const STATEMENT_TIMEOUT_MS = 5_000;

/** Batches under way at once. More would make them smaller and slower: measured in docs/benchmarks.md. */
export const BATCHES_IN_FLIGHT = 2;

/** What the general statement answers for one charge. */
type Row = Omit<Decision, 'account'> & Omit<Account, 'zone'> & { zone: string | null };

@Injectable()
export class AdmissionRepository implements OnApplicationShutdown {
  private readonly pool: StatementPool;

  constructor(connections: Connections) {
    this.pool = new StatementPool(connections, { application: 'quotidian admission', size: BATCHES_IN_FLIGHT, statementTimeoutMs: STATEMENT_TIMEOUT_MS });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.onApplicationShutdown();
  }

  /**
   * One decision for each charge, in the same order: admitted, or left out because its user is not of the plain case.
   * @param pending without keys, caps, deadlines and holds, all that the batch has of their users
   * @param thresholds in ascending order
   */
  async chargePlain(pending: readonly PendingCharge[], thresholds: readonly number[]): Promise<Decision[]> {
    beginIds();
    const { values, tails, upto } = toPlainItems(pending.map(({ charge }) => charge));
    const rows = await this.pool.runOnce<ChargedUser>(PLAIN_CHARGE, PLAIN_CHARGE.values({ ...values, thresholds: toShares(thresholds) }));
    const users = new Map(rows.map((row) => [row[0], { usedBefore: row[1], account: toAccount(row) }]));
    return pending.map(({ charge }, i) => {
      const user = users.get(charge.userId);
      if (user === undefined) return LEFT_OUT;
      const { usedBefore, account } = user;
      const id = requestId(account.now, tails[i] as string);
      return { outcome: 'admitted', id, used: usedBefore + (upto[i] as number), cap: null, capUsed: null, locked: true, account };
    });
  }

  /** One decision for each charge, in the same order, whatever it needs. */
  async charge(pending: readonly PendingCharge[], retentionHours: number, thresholds: readonly number[]): Promise<Decision[]> {
    beginIds();
    const charges = pending.map(({ charge }) => charge);
    const firm = new Set(pending.flatMap(({ charge, peek }) => (peek ? [] : [charge.userId])));
    const peeked = new Set(charges.map(({ userId }) => userId).filter((userId) => !firm.has(userId)));
    const statement = chargeStatement({
      keys: charges.some(({ idempotency }) => idempotency !== null),
      caps: charges.some(({ keyCap }) => keyCap !== 'none'),
      peeks: peeked.size > 0,
      deadlines: charges.some(({ deadline }) => deadline !== undefined),
      holds: charges.some(({ holdSeconds }) => holdSeconds !== undefined),
    });
    const values = statement.values({
      items: `[${charges.map(toItem).join()}]`,
      userIds: [...firm],
      peekedIds: [...peeked],
      thresholds: toShares(thresholds),
      retentionHours,
    });
    return (await this.pool.runOnce<Row>(statement, values)).map(toDecision);
  }
}

/** Shares of the quota in ten-thousandths, the smallest first. */
function toShares(thresholds: readonly number[]): number[] {
  return thresholds.map((share) => Math.round(share * 10_000)).sort((a, b) => a - b);
}

function toAccount([, , unlimited, quota, tier, zone, day, now]: ChargedUser): Account {
  return { unlimited, quota, tier, zone, day, periodZone: zone, now };
}

function toDecision({ outcome, id, used, cap, capUsed, locked, zone, ...rest }: Row): Decision {
  const account = zone === null ? null : { ...rest, zone };
  return { outcome, id, used, cap, capUsed, locked, account };
}
