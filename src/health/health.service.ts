import { Injectable, Logger } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { isTransient } from '../common/database-errors';
import { FullDisk } from '../common/full-disk';
import { Connections } from '../database/connections';
import { ReplicaReads } from '../database/replica-reads';
import { Notifications } from '../database/notifications';
import { GracefulShutdown } from '../http/graceful-shutdown';
import { JobsService } from '../jobs/jobs.service';
import { DefaultTierService } from '../tiers/default-tier.service';
import { HealthCheckDto, ReadinessDto } from './dto/readiness.dto';
import { NotReady } from './health.errors';
import { type DatabaseStatus, HealthRepository } from './health.repository';
import { type AdjustedValue, StoredValues } from './stored-values.service';

const CHECK_TIMEOUT_MS = 2_000;
const SHOWN_VALUES = 10;
/** How long it is believed that notifications arrive. */
const PROVEN_FOR_MS = 5_000;

/** Whether this process should be sent requests, and what an operator should know besides. */
@Injectable()
export class HealthService {
  private readonly logger = new Logger(HealthService.name);
  private looking: Promise<[DatabaseStatus, AdjustedValue[]] | null> | undefined;

  constructor(
    private readonly repository: HealthRepository,
    private readonly storedValues: StoredValues,
    private readonly notifications: Notifications,
    private readonly connections: Connections,
    private readonly shutdown: GracefulShutdown,
    private readonly defaultTier: DefaultTierService,
    private readonly jobs: JobsService,
    private readonly disk: FullDisk,
    private readonly reads: ReplicaReads,
  ) {}

  /** @throws NotReady with the checks while a needed one fails */
  async readiness(verbose = false): Promise<ReadinessDto> {
    const looked = Promise.all([this.look(), this.notifications.prove(PROVEN_FOR_MS)]).then(([found]) => found);
    const [seen, adjusted] = (await Promise.race([looked, delay(CHECK_TIMEOUT_MS, null, { ref: false })])) ?? [null, []];
    const checks: Record<string, HealthCheckDto> = {
      draining: this.shutdown.draining ? { status: 'down', detail: 'the process is stopping' } : { status: 'up' },
      database: seen ? { status: 'up' } : { status: 'down', detail: this.connections.problem ?? `no answer within ${CHECK_TIMEOUT_MS} ms` },
      migrations: migrations(seen?.pending),
      // Not needed to serve: credentials and settings are then re-read every second or so.
      notifications: this.notifications.problem === null ? { status: 'up' } : { status: 'degraded', detail: this.notifications.problem },
      clock: clock(seen?.clockBehindMs),
      storedValues: storedValues(adjusted),
    };
    // Registration goes on, on another plan than was meant: reported only then.
    const defaultTier = seen && (await this.wrongDefaultTier());
    if (defaultTier) checks.defaultTier = { status: 'degraded', detail: defaultTier };
    if (this.connections.testClock) checks.testClock = testClock(seen?.nowMs);
    // What is read is still answered; what is written is not, and a proxy may know a database elsewhere.
    const full = this.disk.problemAt();
    if (full !== null) checks.disk = { status: 'down', detail: full };
    const replica = this.reads.status;
    if (replica !== null) checks.readReplica = { status: replica.isUsed ? 'up' : 'degraded', detail: replica.detail };
    if (verbose) Object.assign(checks, await this.circumstances());
    if (Object.values(checks).some(({ status }) => status === 'down')) throw new NotReady(checks);
    return { status: 'ready', checks };
  }

  /** What no answer depends on. Jobs are read from the database, so not more often than `look` is. */
  private async circumstances(): Promise<Record<string, HealthCheckDto>> {
    const { open, idle, waiting } = this.repository.pool();
    const sessions = this.connections.sessions === null ? 'DATABASE_DIRECT_URL is not set' : 'DATABASE_DIRECT_URL leads around it';
    const runs = await Promise.race([this.jobs.lastSuccesses().catch(this.failed([])), delay(CHECK_TIMEOUT_MS, [], { ref: false })]);
    return {
      pooler: { status: 'up', detail: this.connections.pooled ? `DATABASE_URL leads to one; ${sessions}` : 'none' },
      connections: { status: waiting > 0 ? 'degraded' : 'up', detail: `${open} open, ${idle} idle, ${waiting} calls wait for one` },
      jobs: { status: 'up', detail: runs.map(({ job, finishedAt }) => `${job} ended well at ${finishedAt.toISOString()}`).join('; ') || 'none has run yet' },
    };
  }

  /** Anybody may ask as often as they like: the database is asked once at a time. */
  private look(): Promise<[DatabaseStatus, AdjustedValue[]] | null> {
    this.looking ??= Promise.all([this.repository.look(), this.storedValues.look().catch(this.failed([]))])
      .catch(this.failed(null))
      .finally(() => (this.looking = undefined));
    return this.looking;
  }

  /** Readiness answers whatever becomes of a check; that the database is not there is its answer, and anything else is a fault of ours. */
  private failed<T>(instead: T): (error: unknown) => T {
    return (err) => {
      if (!isTransient(err)) this.logger.error({ err }, 'a check of readiness failed');
      return instead;
    };
  }

  private wrongDefaultTier(): Promise<string | null> {
    return Promise.race([this.defaultTier.problem().catch(this.failed(null)), delay(CHECK_TIMEOUT_MS, null, { ref: false })]);
  }
}

function migrations(pending: string[] | undefined): HealthCheckDto {
  if (pending === undefined) return { status: 'down', detail: 'not known' };
  return pending.length === 0 ? { status: 'up' } : { status: 'down', detail: `pending: ${pending.join(', ')}` };
}

/** The period never moves back: users keep what is left of it until the clock has caught up. An operator should know. */
function clock(behindMs = 0): HealthCheckDto {
  return behindMs > 0 ? { status: 'degraded', detail: `the database's clock was set back ${Math.ceil(behindMs / 1_000)} s` } : { status: 'up' };
}

/** Whoever sees it knows that nothing here is real. */
function testClock(nowMs?: number): HealthCheckDto {
  const reads = nowMs === undefined ? '' : `, which shows ${new Date(nowMs).toISOString()}`;
  return { status: 'degraded', detail: `the service goes by a test clock${reads}` };
}

/** Each is survived: the fallback counts. An operator should put it right. */
function storedValues(adjusted: AdjustedValue[]): HealthCheckDto {
  const detail = adjusted.slice(0, SHOWN_VALUES).map((one) => `${one.value}: ${one.detail}`);
  return adjusted.length === 0 ? { status: 'up' } : { status: 'degraded', detail: `${adjusted.length} stored values do not count: ${detail.join('; ')}` };
}
