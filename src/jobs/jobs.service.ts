import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { CronJob } from 'cron';
import { setTimeout as delay } from 'node:timers/promises';
import { AuditService } from '../audit/audit.service';
import { type Actor } from '../common/principal';
import { Environment } from '../config/environment';
import { Transactions } from '../database/transactions';
import { NotFoundProblem } from '../http/problem';
import { isSchedule, lastSlot, nextSlot } from './cron-slots';
import { JobDto, type JobRunDto } from './dto/job.dto';
import { type JobRun, type JobTrigger } from './entities/job-run.entity';
import { type JobProgress, JobsRepository } from './jobs.repository';
import { RunProgress } from './run-progress';

const SHOWN_RUNS = 10;

/** How long a run may take to come to the end of its batch when the process stops. */
const STOP_MS = 8_000;

/** A cron expression, and the IANA zone that it is read in. */
interface Times {
  cron: string;
  zone: string;
}

/** When a job is due. What comes from settings names what to go by when they cannot be used. */
export interface JobSchedule extends Times {
  /** What is a default already, because the stored value is broken. */
  adjusted?: ('cron' | 'timeZone')[];
  fallback?: Times;
}

/** A run as the job sees it. */
export interface JobUnderWay {
  trigger: JobTrigger;
  /** Reports how far it is: as often as it likes, it costs nothing. */
  report: (progress: JobProgress) => void;
}

/** Work that is due from time to time. Runs again where it was left when a process dies half way. */
export interface ScheduledJob {
  name: string;
  /** As it is now. */
  schedule(): JobSchedule;
  /** Does what is due and returns how many rows it changed; once `stop` is aborted it does so after the batch under way. */
  run(stop: AbortSignal, underWay: JobUnderWay): Promise<number>;
}

/**
 * Runs jobs when they are due, and keeps a record of each run. Always true: of any number of replicas one runs a slot, a
 * job does not overlap itself in one process, a slot that was missed while nothing ran is made up for at the start, and no
 * stored schedule keeps the process from starting: one that cannot be used is replaced by the job's default.
 */
@Injectable()
export class JobsService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(JobsService.name);
  private readonly jobs = new Map<string, ScheduledJob>();
  private readonly underWay = new Set<Promise<unknown>>();
  private readonly stop = new AbortController();

  constructor(
    private readonly repository: JobsRepository,
    private readonly registry: SchedulerRegistry,
    private readonly audit: AuditService,
    private readonly transactions: Transactions,
    private readonly environment: Environment,
  ) {}

  /** Makes a job known; modules do so while they are initialised. */
  register(job: ScheduledJob): void {
    this.jobs.set(job.name, job);
  }

  onApplicationBootstrap(): void {
    if (!this.environment.SCHEDULER_ENABLED) return;
    for (const job of this.jobs.values()) {
      this.schedule(job);
      void this.tick(job);
    }
  }

  /** Begins no run any more, and lets those under way end after their batch. */
  async beforeApplicationShutdown(): Promise<void> {
    for (const name of this.jobs.keys()) this.unschedule(name);
    this.stop.abort();
    await Promise.race([Promise.allSettled(this.underWay), delay(STOP_MS, undefined, { ref: false })]);
  }

  /** Schedules the job anew, after its settings changed. */
  reschedule(name: string): void {
    const job = this.jobs.get(name);
    if (job === undefined || !this.environment.SCHEDULER_ENABLED || !this.registry.doesExist('cron', name)) return;
    this.unschedule(name);
    this.schedule(job);
  }

  /**
   * Runs a job now, slot or not.
   * @param actor who asks for it, as the audit log names them; null: nobody but the service
   * @returns the rows that it changed
   * @throws NotFoundProblem
   */
  async runNow(name: string, trigger: JobTrigger, actor: Actor | null = null): Promise<number> {
    const job = this.jobs.get(name);
    if (job === undefined) throw new NotFoundProblem('job');
    const id = await this.transactions.run(async (tx) => {
      const run = (await this.repository.begin(name, trigger, null, tx)) as string;
      if (actor !== null) await this.audit.record(tx, actor, { action: 'job.run', target: ['job', name], after: { run } });
      return run;
    });
    return this.watched(this.record(job, id, trigger));
  }

  async list(): Promise<JobDto[]> {
    const runs = await this.repository.lastRuns([...this.jobs.keys()], SHOWN_RUNS);
    return [...this.jobs.values()].map((job) => {
      const { cron, zone, adjusted } = usableSchedule(job);
      const own = runs.filter((run) => run.job === job.name).map(toDto);
      const nextRunAt = this.environment.SCHEDULER_ENABLED ? nextSlot(cron, zone, new Date()) : null;
      return { name: job.name, cron, timeZone: zone, enabled: this.environment.SCHEDULER_ENABLED, nextRunAt, adjusted, lastRuns: own };
    });
  }

  /** When each job last ended well. */
  lastSuccesses(): Promise<{ job: string; finishedAt: Date }[]> {
    return this.repository.lastSuccesses([...this.jobs.keys()]);
  }

  /** The jobs that do not run as their settings ask, because what is stored cannot be used. */
  get adjusted(): string[] {
    return [...this.jobs.values()].filter((job) => usableSchedule(job).adjusted.length > 0).map(({ name }) => name);
  }

  private schedule(job: ScheduledJob): void {
    const { cron, zone, adjusted } = usableSchedule(job);
    if (adjusted.length > 0) this.logger.error(`the stored schedule of ${job.name} cannot be used: it runs by ${cron} in ${zone}`);
    const timer = CronJob.from({
      cronTime: cron,
      timeZone: zone,
      waitForCompletion: true,
      onTick: () => this.tick(job),
      errorHandler: (error) => this.logger.error({ err: error }, `${job.name} failed`),
      start: false,
    });
    this.registry.addCronJob(job.name, timer);
    timer.start();
  }

  private unschedule(name: string): void {
    if (this.registry.doesExist('cron', name)) this.registry.deleteCronJob(name);
  }

  /** Runs the slot that is due, unless it was run. The first one after a start makes up for all that were missed. */
  private async tick(job: ScheduledJob): Promise<void> {
    const { cron, zone } = usableSchedule(job);
    const slot = lastSlot(cron, zone, new Date());
    if (slot === null || this.stop.signal.aborted) return;
    const work = async () => {
      const id = await this.repository.begin(job.name, 'schedule', slot);
      if (id) await this.record(job, id, 'schedule');
    };
    await this.watched(work()).catch((error: Error) => this.logger.warn(`${job.name}: ${error.message}`));
  }

  private watched<T>(work: Promise<T>): Promise<T> {
    this.underWay.add(work);
    return work.finally(() => this.underWay.delete(work));
  }

  private async record(job: ScheduledJob, id: string, trigger: JobTrigger): Promise<number> {
    const progress = new RunProgress((progressed) => this.repository.saveProgress(id, progressed));
    try {
      const affected = await job.run(this.stop.signal, { trigger, report: progress.report });
      await progress.flush();
      const stopped = this.stop.signal.aborted;
      await this.repository.end(id, affected, stopped ? 'stopped with the process' : null, stopped);
      return affected;
    } catch (error) {
      await progress.flush();
      await this.repository.end(id, progress.latest?.affected ?? 0, (error as Error).message).catch(() => undefined);
      throw error;
    }
  }
}

function toDto({ job: _, done, total, progressAt, ...run }: JobRun): JobRunDto {
  return { ...run, progress: done === null || total === null || progressAt === null ? null : { done, total, at: progressAt } };
}

function usableSchedule(job: ScheduledJob): Required<Omit<JobSchedule, 'fallback'>> {
  const { cron, zone, adjusted = [], fallback } = job.schedule();
  if (fallback === undefined || isSchedule(cron, zone)) return { cron, zone, adjusted };
  const usable = { cron: isSchedule(cron) ? cron : fallback.cron, zone: isSchedule(fallback.cron, zone) ? zone : fallback.zone };
  const replaced = [...adjusted, ...(usable.cron === cron ? [] : ['cron' as const]), ...(usable.zone === zone ? [] : ['timeZone' as const])];
  return { ...usable, adjusted: [...new Set(replaced)] };
}
