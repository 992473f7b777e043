import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { type EntityManager } from 'typeorm';
import { Connections } from '../database/connections';
import { BRIEF_LOCK_MS, PATIENT_LOCK_MS } from '../database/isolated-commit';
import { prepared } from '../database/prepared-statements';
import { StatementPool } from '../database/statement-pool';
import { toItem, toPlainItems } from './charge-items';
import { type Charge, type ShadowCode } from './charge';
import { type PendingCharge } from './charge-queue';
import { chargeStatement } from './charge.sql';
import { type Account, type Decision, LEFT_OUT, type LimitState, type Standing } from './decision';
import { type ChargedUser, PLAIN_CHARGE, PLAIN_CHARGE_ENDING } from './plain-charge.sql';
import { beginIds, requestId } from './request-id';
import { STANDING } from './standing.sql';

const STATEMENT_TIMEOUT_MS = 5_000;

/** Batches under way at once. More would make them smaller and slower: measured in docs/benchmarks.md. */
export const BATCHES_IN_FLIGHT = 2;

/** What the general statement answers for one charge. */
type Row = Omit<Decision, 'account' | 'granted' | 'beyond' | 'draws'> &
  Partial<Pick<Decision, 'granted' | 'beyond' | 'draws'>> &
  Omit<Account, 'zone'> & { zone: string | null };

/** What the statement that only reads answers for one user. */
type StandingRow = Account & {
  userId: number;
  active: boolean;
  toRoll: boolean;
  shadow: boolean;
  used: number;
  granted: number;
  beyond: number;
  limits: readonly LimitState[] | null;
};

const CLOSE_OUT = prepared('close out', 'SELECT quota_close_out($1::integer[])');

@Injectable()
export class AdmissionRepository implements OnApplicationShutdown {
  private readonly main: StatementPool;
  /** Where what waits for locked rows may wait. */
  private readonly lane: StatementPool;

  constructor(
    connections: Connections,
    private readonly reads: StatementPool,
  ) {
    const pool = (application: string, size: number, lock_timeout: number) =>
      new StatementPool(connections, { application, size, statementTimeoutMs: STATEMENT_TIMEOUT_MS, settings: { lock_timeout } });
    this.main = pool('quotidian admission', BATCHES_IN_FLIGHT, BRIEF_LOCK_MS);
    this.lane = pool('quotidian lane', 1, PATIENT_LOCK_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.main.onApplicationShutdown(), this.lane.onApplicationShutdown()]);
  }

  /**
   * One decision for each charge, in the same order: admitted, or left out because its user is not of the plain case.
   * @param pending without keys, caps, deadlines and holds, all that the batch has of their users
   * @param thresholds in ascending order
   */
  async chargePlain(pending: readonly PendingCharge[], thresholds: readonly number[]): Promise<Decision[]> {
    beginIds();
    const { values, tails, upto } = toPlainItems(pending.map(({ charge }) => charge));
    const statement = pending.some(({ charge }) => charge.status === 'succeeded') ? PLAIN_CHARGE_ENDING : PLAIN_CHARGE;
    const rows = await this.main.runOnce<ChargedUser>(statement, statement.values({ ...values, thresholds: toShares(thresholds) }));
    const users = new Map(rows.map((row) => [row[0], { usedBefore: row[1], account: toAccount(row) }]));
    return pending.map(({ charge }, i) => {
      const user = users.get(charge.userId);
      if (user === undefined) return LEFT_OUT;
      const { usedBefore, account } = user;
      const id = requestId(account.now, tails[i] as string);
      return {
        outcome: 'admitted',
        id,
        used: usedBefore + (upto[i] as number),
        granted: 0,
        beyond: 0,
        draws: null,
        cap: null,
        capUsed: null,
        locked: true,
        account,
      };
    });
  }

  /**
   * One decision for each charge, in the same order, whatever it needs.
   * @param skips answers `busy` what somebody holds the rows of, and waits for nobody
   */
  async charge(
    pending: readonly PendingCharge[],
    retentionHours: number,
    thresholds: readonly number[],
    { skips = false, inLane = false } = {},
  ): Promise<Decision[]> {
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
      ends: charges.some(({ status }) => status === 'succeeded'),
      // Whoever needs a further part needs this one: it may have learned of that in a batch that had it for somebody else.
      forms: pending.some(({ forms, limits, shadowed = null }) => forms || limits || shadowed !== null),
      limits: pending.some(({ limits }) => limits),
      shadows: pending.some(({ shadowed = null }) => shadowed !== null),
      skips,
    });
    const values = statement.values({
      items: `[${pending.map(({ charge, shadowed = null }) => toItem(charge, shadowed)).join()}]`,
      userIds: [...firm],
      peekedIds: [...peeked],
      thresholds: toShares(thresholds),
      retentionHours,
    });
    return (await (inLane ? this.lane : this.main).runOnce<Row>(statement, values)).map(toDecision);
  }

  /**
   * One decision, in force when the caller's transaction commits: until then the user's row is locked, so what is left of the
   * transaction is to be short.
   * @param forms whether its user has more than the day's own units
   */
  async chargeWithin(
    tx: EntityManager,
    charge: Charge,
    retentionHours: number,
    thresholds: readonly number[],
    forms: boolean,
    shadowed: ShadowCode | null = null,
  ): Promise<Decision> {
    beginIds();
    const { idempotency, keyCap, deadline, holdSeconds } = charge;
    const statement = chargeStatement({
      keys: idempotency !== null,
      caps: keyCap !== 'none',
      peeks: false,
      deadlines: deadline !== undefined,
      holds: holdSeconds !== undefined,
      ends: charge.status === 'succeeded',
      forms: forms || shadowed !== null,
      limits: forms,
      shadows: shadowed !== null,
      skips: false,
    });
    const named = { items: `[${toItem(charge, shadowed)}]`, userIds: [charge.userId], peekedIds: [], thresholds: toShares(thresholds), retentionHours };
    const [row] = await tx.query<[Row]>(statement.text, statement.values(named));
    return toDecision(row);
  }

  /** Closes the days of these users that are over: what rolls over can be drawn then. */
  async closeOut(userIds: readonly number[], tx?: EntityManager): Promise<void> {
    if (tx) await tx.query(CLOSE_OUT.text, [userIds]);
    else await this.main.run(CLOSE_OUT, [userIds]);
  }

  /** Where users stand, without a lock. Who is not among them is no user. */
  async standings(userIds: readonly number[]): Promise<Map<number, Standing>> {
    const rows = await this.reads.run<StandingRow>(STANDING, STANDING.values({ userIds }));
    return new Map(
      rows.map(({ userId, active, toRoll, shadow, used, granted, beyond, limits, ...account }) => [
        userId,
        { active, toRoll, shadow, used, granted, beyond, limits, account },
      ]),
    );
  }
}

/** Shares of the quota in ten-thousandths, the smallest first; the whole of it always is one. */
function toShares(thresholds: readonly number[]): number[] {
  return [...new Set([...thresholds.map((share) => Math.round(share * 10_000)), 10_000])].sort((a, b) => a - b);
}

function toAccount([, , unlimited, quota, tier, zone, day, now]: ChargedUser): Account {
  return { unlimited, quota, tier, zone, day, periodZone: zone, now };
}

/** Member by member: what is left of a row by `...` takes longer to find than the whole of this. */
function toDecision(row: Row): Decision {
  const { outcome, id, used, granted = 0, beyond = 0, draws = null, cap, capUsed, flight = null, limits = null, locked, zone } = row;
  if (zone === null) return { outcome, id, used, granted, beyond, draws, cap, capUsed, flight, limits, locked, account: null };
  const { unlimited, quota, tier, day, periodZone, now, forms, shadow } = row;
  const account = { unlimited, quota, tier, zone, day, periodZone, now, forms, shadow };
  return { outcome, id, used, granted, beyond, draws, cap, capUsed, flight, limits, locked, account };
}
