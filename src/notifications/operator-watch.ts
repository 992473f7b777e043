import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { DatabaseClock } from '../database/database-clock';
import { Notifications } from '../database/notifications';
import { HealthRepository } from '../health/health.repository';
import { JobsService } from '../jobs/jobs.service';
import { OperatorAlerts } from './operator-alerts.service';

const LOOK_MS = 60_000;
const CLOSE_OUT = 'quota-reset';
/** Days end every day, whatever the schedule: who has not been closed out for longer than this is late. */
const CLOSE_OUT_LATE_MS = 26 * 3_600_000;

/** Looks, once a minute in each process that listens, for what operators should know before somebody calls. */
@Injectable()
export class OperatorWatch implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(OperatorWatch.name);
  private timer: NodeJS.Timeout | undefined;
  private wasLost = false;

  constructor(
    private readonly alerts: OperatorAlerts,
    private readonly health: HealthRepository,
    private readonly jobs: JobsService,
    private readonly notifications: Notifications,
    private readonly clock: DatabaseClock,
    private readonly server: HttpAdapterHost,
  ) {}

  onApplicationBootstrap(): void {
    this.server.listen$.subscribe(() => {
      this.timer = setInterval(() => void this.look().catch((error: Error) => this.logger.debug(`not looked: ${error.message}`)), LOOK_MS).unref();
    });
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  async look(): Promise<void> {
    const lost = !this.notifications.healthy;
    // One that is replaced at once is no news.
    if (lost && this.wasLost) await this.alerts.raise('operator.listener-lost', {});
    this.wasLost = lost;
    const { clockBehindMs } = await this.health.look();
    if (clockBehindMs > 0) await this.alerts.raise('operator.clock-behind', { seconds: Math.ceil(clockBehindMs / 1_000) });
    const last = (await this.jobs.lastSuccesses()).find(({ job }) => job === CLOSE_OUT)?.finishedAt;
    const now = await this.clock.now();
    if (last !== undefined && now.getTime() - last.getTime() > CLOSE_OUT_LATE_MS) await this.alerts.raise('operator.close-out-late', { lastSuccessAt: last });
  }
}
