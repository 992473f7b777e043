import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { randomUUID } from 'node:crypto';
import { type Server } from 'node:http';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { version } from '../../package.json';
import { type ReplicaPage } from './dto/replica.dto';
import { ReplicasRepository } from './replicas.repository';

const REPORT_MS = 15_000;
/** Three reports: one that is late is no silence. */
const LIVE_FOR_SECONDS = 45;
const FORGET_AFTER_SECONDS = 3_600;
/** So long an end waits for a database that does not answer. */
const STOP_MS = 1_000;

/**
 * Which processes serve on this database. Each reports itself four times a minute, and goes with its end; one that was killed is seen to be
 * silent, and forgotten after an hour. Nothing depends on it: a report that fails is left out.
 */
@Injectable()
export class ReplicasService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(ReplicasService.name);
  private readonly self = { id: randomUUID(), name: `${hostname()} ${process.pid}`, version };
  private timer: NodeJS.Timeout | null = null;
  private reporting: Promise<void> = Promise.resolve();

  constructor(
    private readonly repository: ReplicasRepository,
    private readonly host: HttpAdapterHost,
  ) {}

  /** From when it takes calls: a command that runs here is no replica. */
  onApplicationBootstrap(): void {
    const server = this.host.httpAdapter?.getHttpServer() as Server | undefined;
    server?.once('listening', () => {
      this.timer = setInterval(() => this.report(), REPORT_MS).unref();
      this.report();
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    if (this.timer === null) return;
    clearInterval(this.timer);
    await Promise.race([this.leave(), delay(STOP_MS, undefined, { ref: false })]);
  }

  async list(): Promise<ReplicaPage> {
    const found = await this.repository.list(LIVE_FOR_SECONDS);
    return { items: found.map((one) => ({ ...one, current: one.id === this.self.id })), nextCursor: null };
  }

  /** One at a time: of a database that stalls no more is asked. */
  private report(): void {
    this.reporting = this.reporting
      .then(() => this.repository.report(this.self, FORGET_AFTER_SECONDS))
      .catch((error: Error) => this.logger.debug(`not reported: ${error.message}`));
  }

  private async leave(): Promise<void> {
    await this.reporting;
    await this.repository.remove(this.self.id).catch((error: Error) => this.logger.debug(`not taken off the list: ${error.message}`));
  }
}
