import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Environment } from '../config/environment';
import { SettingsService } from '../configurations/settings.service';
import { GroupCommit } from '../database/group-commit';
import { IdempotencySettings } from '../idempotency/idempotency.settings';
import { AdmissionRepository, BATCHES_IN_FLIGHT, type Decision } from './admission.repository';
import { type Charge, type QuotaState, type Verdict } from './charge';
import { ChargeQueue, type PendingCharge } from './charge-queue';
import { PeriodBoundsRepository } from './period-bounds.repository';
import { QueueFull } from './ledger.errors';
import { LedgerSettings } from './ledger.settings';

const BATCH = 128;
/** Of one user in one batch, as many as one call may submit: what is left holds the others. */
const BATCH_OF_USER = 100;
/** Of payload JSON in the queue, so that its bound in charges is one in memory too. */
const QUEUE_CHARS = 24 * 1_024 * 1_024;
/** So many must wait for a batch to be sent beside another one: the database is not left idle, nor fed in crumbs. */
const SECOND_BATCH = 8;

/**
 * Admits charges, many in one statement and one commit. While a statement is under way the charges that come in wait, and
 * go together in the next: under load batches grow by themselves, and a charge that is alone goes at once. Always true:
 * a charge is answered by what its statement committed; when its fate is unknown it is answered 503, and its
 * Idempotency-Key finds the truth. The argument for exactness is at `admitStatement`; DECISIONS.md has the picture.
 */
@Injectable()
export class AdmissionService {
  /** Users who could not pay the last time, with what they had left: their next charge is read before it is locked for. */
  private readonly exhausted = new LRUCache<number, number>({ max: 10_000 });
  /** Since the process began, for metrics. */
  readonly counts = { batches: 0, decided: 0, admitted: 0, refused: 0 };

  private readonly queue = new ChargeQueue(BATCH_OF_USER);
  private readonly charges = new GroupCommit<PendingCharge, Decision>({
    name: 'a batch of charges',
    send: (pending) => this.send(pending),
    maxItems: BATCH,
    maxInFlight: BATCHES_IN_FLIGHT,
    minBeside: SECOND_BATCH,
    queue: this.queue,
    goesAgain: (pending, decision) => this.goesAgain(pending, decision),
    // A retry that another replica was just storing is found by the next try.
    passesAtOnce: (state) => state === '23505',
    unavailable: (rolledBack) =>
      `The database did not take the charge. ${rolledBack ? 'It was not charged.' : 'Whether it was charged is not known; its Idempotency-Key tells.'}`,
  });

  constructor(
    private readonly repository: AdmissionRepository,
    private readonly bounds: PeriodBoundsRepository,
    private readonly settings: SettingsService,
    private readonly environment: Environment,
  ) {}

  /** Charges that wait, for metrics. */
  get waiting(): number {
    return this.charges.waiting;
  }

  /** @throws QueueFull at once when too many wait; ClientGone; UnavailableProblem when the database does not answer for this charge */
  async admit(charge: Charge): Promise<Verdict> {
    const full = this.queue.size >= this.environment.ADMISSION_QUEUE_LIMIT || this.queue.payloadChars + charge.payloadJson.length > QUEUE_CHARS;
    if (full) throw new QueueFull();
    const left = this.exhausted.get(charge.userId);
    const pending = { charge, peek: left !== undefined && charge.cost > left, doubted: false };
    const decision = await this.charges.push(pending);
    this.note(pending, decision);
    return verdictOf(decision, this.stateOf(decision) ?? (await this.readState(decision)));
  }

  private async send(pending: readonly PendingCharge[]): Promise<Decision[]> {
    const hours = this.settings.get(IdempotencySettings.retentionHours);
    const decisions = await this.repository.admit(pending, hours, this.settings.get(LedgerSettings.thresholds));
    this.counts.batches++;
    return decisions;
  }

  private goesAgain(pending: PendingCharge, decision: Decision): boolean {
    if (isDoubtful(pending, decision)) return (pending.peek = pending.doubted = true);
    if (decision.outcome !== 'deferred') return false;
    this.exhausted.delete(pending.charge.userId);
    pending.peek = false;
    return true;
  }

  private note({ charge, peek }: PendingCharge, { outcome, quota, used }: Decision): void {
    this.counts.decided++;
    if (outcome === 'admitted') this.counts.admitted++;
    if (outcome === 'over-quota' || outcome === 'over-cap') this.counts.refused++;
    if (outcome === 'over-quota') this.exhausted.set(charge.userId, quota - used);
    else if (peek) this.exhausted.delete(charge.userId);
  }

  /** The state from what is known of its period; null: not known, or no such user. */
  private stateOf({ unlimited, quota, used, tier, zone, day, periodZone, now }: Decision): QuotaState | null {
    const bounds = zone === null ? undefined : this.bounds.peek(day, periodZone, zone);
    return zone === null || bounds === undefined ? null : { unlimited, quota, used, tier, zone, now, ...bounds };
  }

  private async readState(decision: Decision): Promise<QuotaState | null> {
    const { day, periodZone, zone } = decision;
    if (zone === null) return null;
    await this.bounds.find(day, periodZone, zone);
    return this.stateOf(decision);
  }
}

/**
 * A refusal that the charge's own first delivery may be the cause of: it committed while this one waited for the lock, so its
 * units are seen and its Idempotency-Key is not. The next statement's snapshot sees both.
 */
function isDoubtful({ charge, doubted }: PendingCharge, { outcome, locked }: Decision): boolean {
  return charge.idempotency !== null && !doubted && ((outcome === 'over-quota' && locked) || outcome === 'over-cap');
}

function verdictOf(decision: Decision, state: QuotaState | null): Verdict {
  const { outcome, id, day, cap, capUsed } = decision;
  const capState = cap === null || capUsed === null ? null : { cap, used: capUsed };
  if (outcome === 'admitted') return { outcome, id: id as string, chargedOn: day, state: state as QuotaState, cap: capState };
  if (outcome === 'replayed') return { outcome, id: id as string, state: state as QuotaState };
  return { outcome: outcome as Exclude<typeof outcome, 'deferred'>, state, cap: capState };
}
