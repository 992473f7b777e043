import { Injectable } from '@nestjs/common';
import { BoundedCache } from '../common/bounded-cache';
import { type EntityManager } from 'typeorm';
import { isRolledBack, isTransient } from '../common/database-errors';
import { type Spans, tracing } from '../common/spans';
import { Environment } from '../config/environment';
import { IsolatedCommit, type Locking } from '../database/isolated-commit';
import { SharedReads } from '../database/shared-reads';
import { IdempotencySettings } from '../idempotency/idempotency.settings';
import { OutboxService } from '../outbox/outbox.service';
import { SettingsService } from '../settings/settings.service';
import { AdmissionRepository, BATCHES_IN_FLIGHT } from './admission.repository';
import { type Charge, type QuotaState, type Refused, type ShadowCode, type Verdict } from './charge';
import { ChargeQueue, type PendingCharge } from './charge-queue';
import { MAX_UNITS } from './charge.sql';
import { type Account, type Decision, LEFT_OUT, placeOf, type Standing } from './decision';
import { QueueFull } from './ledger.errors';
import { LedgerSettings } from './ledger.settings';
import { PeriodBoundsRepository } from './period-bounds.repository';
import { RecentMean } from './recent-mean';

const BATCH = 128;
/** Of one user in one batch, as many as one call may submit: what is left holds the others. */
const BATCH_OF_USER = 100;
/** Of payload JSON in the queue, so that its bound in charges is one in memory too. */
const QUEUE_CHARS = 24 * 1_024 * 1_024;
/** So many must wait for a batch to be sent beside another one, or before the last one's charges are answered: the database is not left idle, nor fed in crumbs. */
const SECOND_BATCH = 48;

/** Of the queue, in charges and in payload, that one user may have. */
const SHARE_OF_USER = 1 / 8;
/** A batch that takes longer waits for something; the next one does not wait for it. */
const PATIENCE_MS = 10;
const STANDINGS = 500;
const LEFT_OUT_MS = 1_000;
const FORMS_MS = 300_000;

/**
 * Admits charges, many in one statement and one commit. While a statement is under way the charges that come in wait, and
 * go together in the next: under load batches grow by themselves, and a charge that is alone goes at once. Always true:
 * a charge is answered by what its statement committed; when its outcome is unknown it is answered 503, and its
 * Idempotency-Key finds the truth. The argument for exactness is at `PLAIN_CHARGE` and `chargeStatement`; the picture is in
 * docs/decisions/001-one-statement-decides-a-batch-of-charges.md.
 */
@Injectable()
export class AdmissionService {
  /** Users who could not pay the last time: their next charge is read before it is locked for. */
  private readonly exhausted = new BoundedCache<number, Spent>(10_000);
  /** Users whom the plain statement left out a moment ago: it would again, most likely. */
  private readonly leftOut = new BoundedCache<number, true>(10_000, { ttl: LEFT_OUT_MS });
  /** Users who had more than the day's own units the last time: without the part for that, the statement would not decide. */
  private readonly withForms = new BoundedCache<number, true>(10_000, { ttl: FORMS_MS });
  /** Those of them who were held against limits beside the day. */
  private readonly withLimits = new BoundedCache<number, true>(10_000, { ttl: FORMS_MS });
  /** Since the process began, for metrics. */
  readonly counts = { batches: 0, decided: 0, admitted: 0, refused: 0, shadowed: 0 };

  private readonly batchMs = new RecentMean();

  private readonly queues = [new ChargeQueue(BATCH_OF_USER), new ChargeQueue(BATCH_OF_USER)] as const;
  private readonly charges = new IsolatedCommit<PendingCharge, Decision>({
    name: 'a batch of charges',
    send: (pending, locking, inLane) => this.send(pending, locking, inLane),
    ownerOf: ({ charge }) => charge.userId,
    isBusy: ({ outcome }) => outcome === 'busy',
    maxItems: BATCH,
    maxInFlight: BATCHES_IN_FLIGHT,
    minBeside: SECOND_BATCH,
    minAhead: SECOND_BATCH,
    patienceMs: PATIENCE_MS,
    queue: this.queues[0],
    laneQueue: this.queues[1],
    goesAgain: (pending, decision) => this.goesAgain(pending, decision),
    // A retry that another replica was just storing is found by the next try.
    passesAtOnce: (state) => state === '23505',
    unavailable: (rolledBack) =>
      `The database did not take the charge. ${rolledBack ? 'It was not charged.' : 'Whether it was charged is not known; its Idempotency-Key finds out.'}`,
  });
  /** Users who had nothing left, looked at without a lock; however many of a user's charges wait for it, it is one look. */
  private readonly standings = new SharedReads<number, Standing>((userIds) => this.repository.standings(userIds), STANDINGS);

  constructor(
    private readonly repository: AdmissionRepository,
    private readonly bounds: PeriodBoundsRepository,
    private readonly settings: SettingsService,
    private readonly environment: Environment,
    private readonly outbox: OutboxService,
  ) {}

  /** Charges that wait, for metrics. */
  get waiting(): number {
    return this.charges.waiting;
  }

  /** How long a batch of charges takes lately, in milliseconds; null: there were none. For those who are to make room for charges. */
  get recentBatchMs(): number | null {
    return this.batchMs.value;
  }

  /** @throws QueueFull at once when too many wait, in all or of this user; ClientGone; UnavailableProblem when the database does not answer for this charge */
  admit(charge: Charge): Promise<Verdict> {
    return tracing.spans === null ? this.decide(charge) : this.decideTraced(charge, tracing.spans);
  }

  private decideTraced(charge: Charge, spans: Spans): Promise<Verdict> {
    return spans.run('admit', { fields: { 'quotidian.cost': charge.cost } }, async (note) => {
      const verdict = await this.decide(charge);
      note({ 'quotidian.outcome': verdict.outcome });
      if (verdict.outcome === 'admitted') spans.remember(verdict.id);
      return verdict;
    });
  }

  private async decide(charge: Charge): Promise<Verdict> {
    const look = this.refuseAtOnce(charge);
    let decision = look && (await look);
    let shadowed: ShadowCode | null = null;
    if (decision === null) {
      const pending = this.pending(charge);
      decision = await this.charges.push(pending);
      shadowed = pending.shadowed ?? null;
      this.note(charge, pending.peek, decision);
    }
    return verdictOf(decision, this.stateOf(decision) ?? (await this.readState(decision)), shadowed);
  }

  /**
   * The same within a transaction of the caller's: what it decides is in force when that commits, and undone with it. By itself,
   * in no batch: the user's other charges wait until then.
   */
  async admitWithin(tx: EntityManager, charge: Charge): Promise<Verdict> {
    const hours = this.settings.get(IdempotencySettings.retentionHours);
    const thresholds = this.settings.get(LedgerSettings.thresholds);
    const charging = (forms: boolean, shadowed: ShadowCode | null = null) => this.repository.chargeWithin(tx, charge, hours, thresholds, forms, shadowed);
    let decision = await charging(this.withForms.has(charge.userId));
    if (decision.outcome === 'needs-forms') decision = await charging(true);
    if (decision.outcome === 'needs-close-out') {
      await this.repository.closeOut([charge.userId], tx);
      decision = await charging(true);
    }
    const shadowed = triedOut(charge, decision);
    if (shadowed !== null) decision = await charging(true, shadowed);
    this.note(charge, false, decision);
    return verdictOf(decision, this.stateOf(decision) ?? (await this.readState(decision)), shadowed);
  }

  /**
   * The refusal of a charge whose user had nothing left a moment ago, by a look that began after it came and takes no lock;
   * null: it may fit, or needs more than a look. So a flood of them neither fills the queue nor holds a row.
   */
  private refuseAtOnce(charge: Charge): Promise<Decision | null> | null {
    if (!this.isSpent(charge) || charge.shadow === true || charge.idempotency !== null || charge.keyCap !== 'none') return null;
    return this.standings.get(charge.userId).then((standing) => {
      const decision = refusalBy(charge, standing);
      if (decision && this.isNews(charge, decision)) return null;
      if (decision) this.note(charge, true, decision);
      else this.exhausted.delete(charge.userId);
      return decision;
    });
  }

  /** @throws QueueFull */
  private pending(charge: Charge): PendingCharge {
    this.assertRoom(charge);
    const peek = this.isSpent(charge);
    const limits = this.withLimits.has(charge.userId);
    return { charge, plain: !peek && this.isPlain(charge), forms: limits || this.withForms.has(charge.userId), limits, peek, doubted: false };
  }

  private isSpent({ userId, cost }: Charge): boolean {
    const spent = this.exhausted.get(userId);
    return spent !== undefined && cost > spent.left;
  }

  /** Whether nothing is left in a period of which this process has not recorded that yet. What only looks records nothing. */
  private isNews({ userId }: Charge, { outcome, locked, used, account }: Decision): boolean {
    if (outcome !== 'over-quota' || locked || account === null || used < account.quota) return false;
    return this.exhausted.get(userId)?.period !== periodOf(account);
  }

  /** The queue is bounded in all, and nobody has more than an eighth of it. */
  private assertRoom({ userId, payloadJson }: Charge): void {
    const maxCharges = this.environment.ADMISSION_QUEUE_LIMIT;
    const waits = { charges: 0, payloadChars: payloadJson.length };
    const ofUser = { ...waits };
    for (const queue of this.queues) {
      const own = queue.of(userId);
      waits.charges += queue.size;
      waits.payloadChars += queue.payloadChars;
      ofUser.charges += own.charges;
      ofUser.payloadChars += own.payloadChars;
    }
    if (waits.charges >= maxCharges || waits.payloadChars > QUEUE_CHARS) throw new QueueFull();
    if (ofUser.charges >= maxCharges * SHARE_OF_USER || ofUser.payloadChars > QUEUE_CHARS * SHARE_OF_USER) throw new QueueFull();
  }

  private isPlain({ userId, keyCap, idempotency, deadline, holdSeconds }: Charge): boolean {
    return (
      idempotency === null &&
      keyCap === 'none' &&
      deadline === undefined &&
      holdSeconds === undefined &&
      !this.leftOut.has(userId) &&
      !this.withForms.has(userId) &&
      !this.withLimits.has(userId)
    );
  }

  private async send(pending: readonly PendingCharge[], locking: Locking, inLane: boolean): Promise<Decision[]> {
    const thresholds = this.settings.get(LedgerSettings.thresholds);
    const startedAt = performance.now();
    const hours = this.settings.get(IdempotencySettings.retentionHours);
    const decisions =
      locking === 'briefly' && pending.every(({ plain }) => plain)
        ? await this.sendPlain(pending, thresholds)
        : await this.closedOut(pending, await this.repository.charge(pending, hours, thresholds, { skips: locking === 'skip', inLane }));
    this.counts.batches++;
    if (pending.some(({ charge }) => charge.status === 'succeeded')) this.outbox.expectRequests();
    // One of a lane waits for its user's row, whatever the database does.
    if (!inLane) this.batchMs.add(performance.now() - startedAt);
    return decisions;
  }

  /** Closes the days that charges wait for. Where that fails, those charges are as if somebody held their rows: others were decided. */
  private async closedOut(pending: readonly PendingCharge[], decisions: Decision[]): Promise<Decision[]> {
    const late = pending.filter((_, i) => decisions[i]?.outcome === 'needs-close-out').map(({ charge }) => charge.userId);
    if (late.length === 0) return decisions;
    try {
      await this.repository.closeOut([...new Set(late)]);
      return decisions;
    } catch (error) {
      if (!isRolledBack(error) && !isTransient(error)) throw error;
      return decisions.map((decision) => (decision.outcome === 'needs-close-out' ? { ...decision, outcome: 'busy' } : decision));
    }
  }

  /** What the plain statement cannot take as a whole is left to the general one. */
  private async sendPlain(pending: readonly PendingCharge[], thresholds: readonly number[]): Promise<Decision[]> {
    try {
      return await this.repository.chargePlain(pending, thresholds);
    } catch (error) {
      if (!isRolledBack(error) || isTransient(error)) throw error;
      return pending.map(() => LEFT_OUT);
    }
  }

  private goesAgain(pending: PendingCharge, decision: Decision): boolean {
    if (decision.outcome === 'left-out') {
      this.leftOut.set(pending.charge.userId, true);
      pending.plain = false;
      return true;
    }
    if (decision.outcome === 'needs-forms') {
      this.withForms.set(pending.charge.userId, true);
      pending.plain = false;
      return (pending.forms = true);
    }
    if (decision.outcome === 'needs-limits') {
      this.withLimits.set(pending.charge.userId, true);
      return (pending.limits = true);
    }
    if (decision.outcome === 'needs-close-out') return true;
    if (isDoubtful(pending, decision)) return (pending.peek = pending.doubted = true);
    const shadowed = triedOut(pending.charge, decision);
    if (pending.shadowed === undefined && shadowed !== null) {
      pending.plain = pending.peek = false;
      pending.shadowed = shadowed;
      return (pending.forms = true);
    }
    if (this.isNews(pending.charge, decision)) {
      pending.peek = false;
      return true;
    }
    if (decision.outcome !== 'deferred') return false;
    this.exhausted.delete(pending.charge.userId);
    pending.peek = false;
    return true;
  }

  private note(charge: Charge, peek: boolean, { outcome, account, used, granted, beyond, draws, locked }: Decision): void {
    this.counts.decided++;
    if (outcome === 'admitted') this.counts.admitted++;
    if (draws?.[0]?.source === 'shadow') this.counts.shadowed++;
    if (outcome === 'over-quota' || outcome === 'over-cap' || outcome === 'over-limit' || outcome === 'over-in-flight') this.counts.refused++;
    if (outcome === 'over-quota' && account !== null) {
      const period = locked && used >= account.quota ? periodOf(account) : (this.exhausted.get(charge.userId)?.period ?? null);
      this.exhausted.set(charge.userId, { left: ownLeft(account, used) + granted + beyond, period });
    } else if (peek) this.exhausted.delete(charge.userId);
    if (account?.forms === true) this.withForms.set(charge.userId, true);
    else if (account?.forms === false) {
      this.withForms.delete(charge.userId);
      this.withLimits.delete(charge.userId);
    }
  }

  /** The state from what is known of its period; null: not known, or no such user. */
  private stateOf({ account, used, granted, limits }: Decision): QuotaState | null {
    if (account === null) return null;
    const { unlimited, quota, tier, zone, day, periodZone, now } = account;
    const bounds = this.bounds.peek(day, periodZone, zone);
    if (bounds === undefined) return null;
    const { startsAt, endsAt } = bounds;
    return { unlimited, quota, used, granted, tier, zone: placeOf(zone), now, startsAt, endsAt, ...(limits == null ? {} : { limits }) };
  }

  private async readState(decision: Decision): Promise<QuotaState | null> {
    if (decision.account === null) return null;
    const { day, periodZone, zone } = decision.account;
    await this.bounds.find(day, periodZone, zone);
    return this.stateOf(decision);
  }
}

/** What a user had left, and the period of which the statement has recorded that it was nothing. */
interface Spent {
  left: number;
  period: string | null;
}

function periodOf({ day, periodZone }: Account): string {
  return `${day} ${periodZone}`;
}

/**
 * A refusal that the charge's own first delivery may be the cause of: it committed while this one waited for the lock, so its
 * units are seen and its Idempotency-Key is not. The next statement's snapshot sees both.
 */
function isDoubtful({ charge, doubted }: PendingCharge, { outcome, locked }: Decision): boolean {
  return (
    charge.idempotency !== null &&
    !doubted &&
    ((outcome === 'over-quota' && locked) || outcome === 'over-cap' || outcome === 'over-limit' || outcome === 'over-in-flight')
  );
}

const SHADOW_CODES: Partial<Record<Decision['outcome'], ShadowCode>> = {
  'over-quota': 'quota-exceeded',
  'over-limit': 'limit-exceeded',
  'over-in-flight': 'too-many-in-flight',
};

/** By what a charge is refused which is admitted nevertheless, because limits are tried out; null: it is admitted, or refused. */
function triedOut({ shadow }: Charge, { outcome, account }: Decision): ShadowCode | null {
  return shadow === true || account?.shadow === true ? (SHADOW_CODES[outcome] ?? null) : null;
}

/** Null: it may fit. */
function refusalBy({ cost, type }: Charge, standing: Standing | undefined): Decision | null {
  const none = { id: null, used: 0, granted: 0, beyond: 0, draws: null, cap: null, capUsed: null, locked: false };
  if (standing === undefined) return { ...none, outcome: 'no-user', account: null };
  const { active, toRoll, shadow, used, granted, beyond, account } = standing;
  if (!active) return { ...none, outcome: 'suspended', used, granted, beyond, account };
  const limits = standing.limits?.filter(({ types = null }) => types === null || types.includes(type)) ?? null;
  return !toRoll && !shadow && cost > ownLeft(account, used) + granted + beyond
    ? { ...none, outcome: 'over-quota', used, granted, beyond, limits, account }
    : null;
}

/** Of the day's own units; a quota that was lowered below the counter has none left. */
function ownLeft({ unlimited, quota }: Account, used: number): number {
  return Math.max(0, (unlimited ? MAX_UNITS : quota) - used);
}

function verdictOf({ outcome, id, account, draws, cap, capUsed, flight }: Decision, state: QuotaState | null, shadow: ShadowCode | null): Verdict {
  const capState = cap === null || capUsed === null ? null : { cap, used: capUsed };
  if (outcome === 'admitted')
    return { outcome, id: id as string, chargedOn: (account as Account).day, draws: draws ?? [], shadow, state: state as QuotaState, cap: capState };
  if (outcome === 'replayed') return { outcome, id: id as string, state: state as QuotaState };
  return { outcome: outcome as Refused['outcome'], state, cap: capState, flight: flight ?? null };
}
