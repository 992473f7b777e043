import { Injectable, Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { setTimeout as delay } from 'node:timers/promises';
import { isRolledBack, isTransient, sqlState } from '../common/database-errors';
import { UnavailableProblem } from '../common/problem';
import { Environment } from '../config/environment';
import { SettingsService } from '../configurations/settings.service';
import { IdempotencySettings } from '../idempotency/idempotency.settings';
import { AdmissionRepository, BATCHES_IN_FLIGHT, type Decision } from './admission.repository';
import { type Charge, type QuotaState, type Verdict } from './charge';
import { ChargeQueue, type Waiting } from './charge-queue';
import { PeriodBoundsRepository } from './period-bounds.repository';
import { ClientGone, QueueFull } from './ledger.errors';
import { LedgerSettings } from './ledger.settings';

const BATCH = 128;
/** Of one user in one batch, as many as one call may submit: what is left holds the others. */
const BATCH_OF_USER = 100;
/** Of payload JSON in the queue, so that its bound in charges is one in memory too. */
const QUEUE_CHARS = 24 * 1_024 * 1_024;
/** So many must wait for a batch to be sent beside another one: the database is not left idle, nor fed in crumbs. */
const SECOND_BATCH = 8;
const RETRIES = 3;

/**
 * Admits charges, many in one statement and one commit. While a statement is under way the charges that come in wait, and
 * go together in the next: under load batches grow by themselves, and a charge that is alone goes at once. Always true:
 * a charge is answered by what its statement committed; when its fate is unknown it is answered 503, and its
 * Idempotency-Key finds the truth. The argument for exactness is at `admitStatement`; DECISIONS.md has the picture.
 */
@Injectable()
export class AdmissionService {
  private readonly logger = new Logger(AdmissionService.name);
  private readonly queue = new ChargeQueue();
  /** Users who could not pay the last time, with what they had left: their next charge is read before it is locked for. */
  private readonly exhausted = new LRUCache<number, number>({ max: 10_000 });
  /** Since the process began, for metrics. */
  readonly counts = { batches: 0, decided: 0, admitted: 0, refused: 0 };
  private inFlight = 0;
  private scheduled = false;

  constructor(
    private readonly repository: AdmissionRepository,
    private readonly bounds: PeriodBoundsRepository,
    private readonly settings: SettingsService,
    private readonly environment: Environment,
  ) {}

  /** Charges that wait, for metrics. */
  get waiting(): number {
    return this.queue.size;
  }

  /** @throws QueueFull at once when too many wait; UnavailableProblem when the database does not answer for this charge */
  admit(charge: Charge): Promise<Verdict> {
    const full = this.queue.size >= this.environment.ADMISSION_QUEUE_LIMIT || this.queue.payloadChars + charge.payloadJson.length > QUEUE_CHARS;
    if (full) return Promise.reject(new QueueFull());
    return new Promise((resolve, reject) => {
      const left = this.exhausted.get(charge.userId);
      this.queue.push({ charge, peek: left !== undefined && charge.cost > left, doubted: false, resolve, reject });
      this.schedule();
    });
  }

  /** Sends what waits once this turn of the event loop has read all that has come in: no timer, no added wait. */
  private schedule(): void {
    if (this.scheduled || this.inFlight >= BATCHES_IN_FLIGHT) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.send();
    });
  }

  private send(): void {
    while (this.inFlight < BATCHES_IN_FLIGHT && this.queue.size >= (this.inFlight === 0 ? 1 : SECOND_BATCH)) {
      const batch = this.queue.take(BATCH, BATCH_OF_USER).filter(stillWanted);
      if (batch.length > 0) void this.decide(batch, 0);
    }
  }

  /** Answers every charge of the batch, or puts it back. Never rejects. */
  private async decide(batch: Waiting[], attempt: number): Promise<void> {
    const charges = batch.map(({ charge, peek }) => ({ ...charge, peek }));
    const hours = this.settings.get(IdempotencySettings.retentionHours);
    let decisions: Decision[];
    this.inFlight++;
    try {
      decisions = await this.repository.admit(charges, hours, this.settings.get(LedgerSettings.thresholds));
    } catch (error) {
      this.inFlight--;
      await this.recover(batch, error, attempt);
      this.send();
      return;
    }
    this.inFlight--;
    const again = new Set(batch.filter((waiting, i) => this.defer(waiting, decisions[i] as Decision)));
    this.queue.putBack([...again]);
    // The next batch goes before this one is answered: the database works while the answers are written.
    this.send();
    // What fails from here on is committed: it must never come to `recover`, which sends charges again.
    await this.tell(batch, decisions, again).catch((error: unknown) => batch.forEach(({ reject }) => reject(error)));
  }

  private defer(waiting: Waiting, decision: Decision): boolean {
    if (isDoubtful(waiting, decision)) return (waiting.peek = waiting.doubted = true);
    if (decision.outcome !== 'deferred') return false;
    this.exhausted.delete(waiting.charge.userId);
    waiting.peek = false;
    return true;
  }

  private async tell(batch: Waiting[], decisions: Decision[], again: Set<Waiting>): Promise<void> {
    this.counts.batches++;
    for (const [i, waiting] of batch.entries()) {
      const decision = decisions[i] as Decision;
      if (again.has(waiting)) continue;
      this.note(waiting, decision);
      const state = this.stateOf(decision) ?? (await this.readState(decision));
      waiting.resolve(verdictOf(decision, state));
    }
  }

  private note({ charge, peek }: Waiting, { outcome, quota, used }: Decision): void {
    this.counts.decided++;
    if (outcome === 'admitted') this.counts.admitted++;
    if (outcome === 'over-quota' || outcome === 'over-cap') this.counts.refused++;
    if (outcome === 'over-quota') this.exhausted.set(charge.userId, quota - used);
    else if (peek) this.exhausted.delete(charge.userId);
  }

  /**
   * A failed batch. What passes is tried again; a retry that another replica was just storing is found by the next try;
   * a charge that the database cannot take is found by halving, so it does not sink the others.
   */
  private async recover(batch: Waiting[], error: unknown, attempt: number): Promise<void> {
    const rolledBack = isRolledBack(error);
    const keyRace = sqlState(error) === '23505';
    if (rolledBack && attempt < RETRIES && (keyRace || /^(40001|40P01|55P03)$/.test(sqlState(error) ?? ''))) {
      if (!keyRace) await delay(Math.random() * 20 * 2 ** attempt);
      return this.decide(batch, attempt + 1);
    }
    if (rolledBack && !isTransient(error) && batch.length > 1) {
      const half = batch.length >> 1;
      await this.decide(batch.slice(0, half), attempt);
      return this.decide(batch.slice(half), attempt);
    }
    if (batch.length > 1 || isTransient(error)) {
      this.logger.warn({ sqlState: sqlState(error), charges: batch.length }, 'a batch of charges failed');
      const fate = rolledBack ? 'It was not charged.' : 'Whether it was charged is not known; its Idempotency-Key tells.';
      error = new UnavailableProblem(`The database did not take the charge. ${fate}`);
    }
    for (const { reject } of batch) reject(error);
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

/** A charge whose client has gone is not sent: nobody would hear that it was charged. */
function stillWanted({ charge, reject }: Waiting): boolean {
  if (!charge.isGone?.()) return true;
  reject(new ClientGone());
  return false;
}

/**
 * A refusal that the charge's own first delivery may be the cause of: it committed while this one waited for the lock, so its
 * units are seen and its Idempotency-Key is not. The next statement's snapshot sees both.
 */
function isDoubtful({ charge, doubted }: Waiting, { outcome, locked }: Decision): boolean {
  return charge.idempotency !== null && !doubted && ((outcome === 'over-quota' && locked) || outcome === 'over-cap');
}

function verdictOf(decision: Decision, state: QuotaState | null): Verdict {
  const { outcome, id, day, cap, capUsed } = decision;
  const capState = cap === null || capUsed === null ? null : { cap, used: capUsed };
  if (outcome === 'admitted') return { outcome, id: id as string, chargedOn: day, state: state as QuotaState, cap: capState };
  if (outcome === 'replayed') return { outcome, id: id as string, state: state as QuotaState };
  return { outcome: outcome as Exclude<typeof outcome, 'deferred'>, state, cap: capState };
}
