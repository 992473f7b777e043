import { type BeforeApplicationShutdown, Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type IncomingMessage, type Server } from 'node:http';
import { type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** For how long a process that is asked to stop still takes calls: a number of milliseconds. */
export const SHUTDOWN_DELAY_MS = Symbol('SHUTDOWN_DELAY_MS');

const DEADLINE_MS = 10_000;
const SWEEP_MS = 50;
/** How long connections are still taken: one that the kernel has accepted and we have not would be reset. */
const LAST_CALL_MS = 100;
/** A connection that has sent nothing for so long is idle: browsers open some in advance. */
const SILENT_MS = 1_000;

/**
 * Lets answers under way finish when the process is asked to stop. Nest closes the HTTP server after this hook, and a
 * keep-alive socket would hold that up for minutes: idle sockets are swept until the server is down, and after ten
 * seconds the rest is cut.
 */
@Injectable()
export class GracefulShutdown implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(GracefulShutdown.name);
  /** Connections without a request so far, and since when: Node does not count them as idle. */
  private readonly silent = new Map<Socket, number>();
  /** From here on readiness answers 503. */
  draining = false;
  /** Whether calls are on their way, though no signal came: the process ends by itself. */
  inService = false;

  constructor(
    private readonly host: HttpAdapterHost,
    @Inject(SHUTDOWN_DELAY_MS) private readonly delayMs: number,
  ) {}

  onApplicationBootstrap(): void {
    this.server?.on('connection', (socket: Socket) => {
      this.silent.set(socket, performance.now());
      socket.once('close', () => this.silent.delete(socket));
    });
    this.server?.on('request', ({ socket }: IncomingMessage) => this.silent.delete(socket));
  }

  async beforeApplicationShutdown(signal?: string): Promise<void> {
    this.draining = true;
    const { server } = this;
    if (!server?.listening) return;
    this.logger.log(`draining (${signal ?? 'close'})`);
    // Proxies ask for readiness now and then: until they see it, they send calls here.
    if (signal !== undefined) await delay(this.delayMs);
    const since = performance.now();
    setInterval(() => this.sweep(server, since), SWEEP_MS).unref();
    setTimeout(() => {
      this.logger.warn(`still not drained after ${DEADLINE_MS} ms: dropping connections`);
      server.closeAllConnections();
    }, DEADLINE_MS).unref();
    // Nobody is sent here where the application is closed by code.
    if (signal !== undefined || this.inService) await delay(LAST_CALL_MS);
  }

  private get server(): Server | undefined {
    return this.host.httpAdapter?.getHttpServer() as Server | undefined;
  }

  private sweep(server: Server, drainingSince: number): void {
    server.closeIdleConnections();
    for (const [socket, since] of this.silent) if (performance.now() - Math.max(since, drainingSince) > SILENT_MS) socket.destroy();
  }
}
