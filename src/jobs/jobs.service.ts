import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { CronJob } from 'cron';
import { Environment } from '../config/environment';
import { lastSlot, nextSlot } from './cron-slots';
import { JobDto } from './dto/job.dto';
import { type JobTrigger } from './entities/job-run.entity';
import { JobsRepository } from './jobs.repository';

const SHOWN_RUNS = 10;

/** Work that is due from time to time. Runs again where it was left when a process dies half way. */
export interface ScheduledJob {
  name: string;
  /** Cron expression and IANA zone, as they are now. */
  schedule(): { cron: string; zone: string };
  /** Does what is due and returns how many rows it changed. */
  run(): Promise<number>;
}

/**
 * Runs jobs when they are due, and keeps a record of each run. Always true: of any number of replicas one runs a slot, a
 * job does not overlap itself in one process, and a slot that was missed while nothing ran is made up for at the start.
 */
@Injectable()
export class JobsService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(JobsService.name);
  private readonly jobs = new Map<string, ScheduledJob>();
  private readonly underWay = new Set<Promise<unknown>>();

  constructor(
    private readonly repository: JobsRepository,
    private readonly registry: SchedulerRegistry,
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

  /** Begins no run any more and waits for those under way. */
  async beforeApplicationShutdown(): Promise<void> {
    for (const name of this.jobs.keys()) this.unschedule(name);
    await Promise.allSettled(this.underWay);
  }

  /** Schedules the job anew, after its settings changed. */
  reschedule(name: string): void {
    const job = this.jobs.get(name);
    if (job === undefined || !this.environment.SCHEDULER_ENABLED || !this.registry.doesExist('cron', name)) return;
    this.unschedule(name);
    this.schedule(job);
  }

  /** Runs a job now, slot or not. @returns the rows that it changed */
  async runNow(name: string, trigger: JobTrigger): Promise<number> {
    const job = this.jobs.get(name);
    if (job === undefined) throw new Error(`There is no job ${name}.`);
    const id = await this.repository.begin(name, trigger, null);
    return this.record(job, id as string);
  }

  async list(): Promise<JobDto[]> {
    const runs = await this.repository.lastRuns(SHOWN_RUNS);
    return [...this.jobs.values()].map((job) => {
      const { cron, zone } = job.schedule();
      const own = runs.filter((run) => run.job === job.name).map(({ job: _, ...run }) => run);
      const nextRunAt = this.environment.SCHEDULER_ENABLED ? nextSlot(cron, zone, new Date()) : null;
      return { name: job.name, cron, timeZone: zone, enabled: this.environment.SCHEDULER_ENABLED, nextRunAt, lastRuns: own };
    });
  }

  private schedule(job: ScheduledJob): void {
    const { cron, zone } = job.schedule();
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
    const { cron, zone } = job.schedule();
    const work = (async () => {
      const slot = lastSlot(cron, zone, new Date());
      const id = slot && (await this.repository.begin(job.name, 'schedule', slot));
      if (id) await this.record(job, id);
    })().catch((error: Error) => this.logger.warn(`${job.name}: ${error.message}`));
    this.underWay.add(work);
    await work.finally(() => this.underWay.delete(work));
  }

  private async record(job: ScheduledJob, id: string): Promise<number> {
    try {
      const affected = await job.run();
      await this.repository.end(id, affected, null);
      return affected;
    } catch (error) {
      await this.repository.end(id, 0, (error as Error).message).catch(() => undefined);
      throw error;
    }
  }
}
