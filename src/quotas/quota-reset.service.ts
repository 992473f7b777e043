import { Injectable } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { isRolledBack, isTransient } from '../common/database-errors';
import { type JobProgress } from '../jobs/jobs.repository';
import { AdmissionService } from '../ledger/admission.service';
import { DayRollRepository, type Slice, type Survey, type Zone } from '../ledger/day-roll.repository';
import { SlicePace } from './slice-pace';

/** So many parts a range is closed in, one after the other: see `ROLL`. */
const STRIDE = 4;
/** Users looked at in one statement while none of them has a day to close. */
const MAX_SURVEY = 8_192;
const BEFORE_ALL_IDS = -2_147_483_648;
/** Users whose day cannot be closed, before the run gives up: something is wrong with more than them. */
const MAX_FAILURES = 100;
/** The largest power of two that an id has a bit for. */
const WHOLE = 2 ** 30;

export interface CloseOutRun {
  /** Look only where a midnight has passed since this instant, as PostgreSQL writes it; null: everywhere. */
  since: string | null;
  /** Ends it after the slice under way. */
  stop: AbortSignal;
  report: (progress: JobProgress) => void;
}

type Roll = (slice: Slice) => Promise<number>;

/**
 * Closes out the days that are over: archives each user's day into `quota_usage` and opens the one that is now. Hygiene
 * only: a quota is right whether this ran or not. Safe to run anywhere, any number of times, and to be killed half way:
 * what is closed is passed over by the next run. Waits for nobody, and whoever waits for it waits for one slice.
 */
@Injectable()
export class QuotaResetService {
  constructor(
    private readonly days: DayRollRepository,
    private readonly admission: AdmissionService,
  ) {}

  /** @returns users whose day this call closed @throws the first refusal of the database, after closing all that can be */
  async closeOut({ since, stop, report }: CloseOutRun): Promise<number> {
    const pass = new Pass(this.days, new SlicePace(() => this.admission.recentBatchMs), stop, report);
    const zones = await this.days.zonesDue(since);
    for (const zone of zones) pass.progress.total += await this.days.countUsers(zone);
    for (const zone of zones) await pass.through(zone);
    return pass.end();
  }
}

/** One way through all users of some zones, by id. */
class Pass {
  readonly progress = { affected: 0, done: 0, total: 0 };
  private seen = 0;
  private readonly failures: unknown[] = [];

  constructor(
    private readonly days: DayRollRepository,
    private readonly pace: SlicePace,
    private readonly stop: AbortSignal,
    private readonly report: (progress: JobProgress) => void,
  ) {}

  async through(zone: Zone): Promise<void> {
    let count = this.pace.rows * STRIDE;
    let after = BEFORE_ALL_IDS;
    while (!this.stop.aborted) {
      const survey = await this.paced(() => this.days.survey(zone, after, count));
      if (survey === null) return;
      const maxRows = this.pace.rows * STRIDE;
      if (survey.due > maxRows && count > maxRows) {
        count = maxRows;
        continue;
      }
      const left = survey.due === 0 ? 0 : await this.close(zone, after, survey);
      this.show(survey.seen, left);
      count = survey.due === 0 ? Math.min(count * 2, MAX_SURVEY) : maxRows;
      after = survey.upto;
    }
  }

  /** @returns users whose day was closed @throws the first failure */
  end(): number {
    // Users come and go meanwhile: the sum of what was seen is what there was.
    if (!this.stop.aborted) this.progress.total = this.seen;
    this.report({ ...this.progress });
    if (this.failures.length > 0) throw this.failures[0];
    return this.progress.affected;
  }

  /** Closes what is due among the users of a survey. @returns how many are left, because somebody holds them or they cannot be closed */
  private async close(zone: Zone, after: number, { upto, due, seen }: Survey): Promise<number> {
    const before = this.progress.affected;
    for (const roll of [(slice: Slice) => this.days.roll(zone, slice), (slice: Slice) => this.days.rollOthers(zone, slice)]) {
      for (let rest = 0; rest < STRIDE && !this.stop.aborted; rest++) {
        await this.attempt(roll, { after, upto, stride: STRIDE, rest });
      }
      if (this.progress.affected - before >= due) return 0;
    }
    // Some were closed by their own charges.
    return (await this.days.survey(zone, after, seen))?.due ?? 0;
  }

  /** One user whom the database refuses does not keep the others: those are found by halving. */
  private async attempt(roll: Roll, slice: Slice): Promise<void> {
    try {
      this.progress.affected += await this.paced(() => roll(slice), Number);
    } catch (error) {
      if (!isRolledBack(error) || isTransient(error)) throw error;
      if (slice.stride > slice.upto - slice.after || slice.stride >= WHOLE) {
        this.failures.push(error);
        if (this.failures.length >= MAX_FAILURES) throw error;
        return;
      }
      const stride = slice.stride * 2;
      for (const rest of [slice.rest, slice.rest + slice.stride]) await this.attempt(roll, { ...slice, stride, rest });
    }
  }

  private async paced<T>(slice: () => Promise<T>, rowsOf?: (result: T) => number): Promise<T> {
    const startedAt = performance.now();
    const result = await slice();
    const pauseMs = this.pace.pauseAfter(performance.now() - startedAt, rowsOf?.(result) ?? 0);
    await delay(pauseMs, undefined, { signal: this.stop }).catch(() => undefined);
    return result;
  }

  private show(seen: number, left: number): void {
    this.seen += seen;
    this.progress.done += seen - left;
    this.report({ ...this.progress });
  }
}
