import { type BeforeApplicationShutdown, Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** For how long a process that is asked to stop still takes calls: a number of milliseconds. */
export const SHUTDOWN_DELAY_MS = Symbol('SHUTDOWN_DELAY_MS');

const DEADLINE_MS = 10_000;
const SWEEP_MS = 50;
/** How long connections are still taken: one that the kernel has accepted and we have not would be reset. */
const LAST_CALL_MS = 100;
/** How long a connection that is kept open may go without a call before it is closed: its caller may have sent one that we have not read. */
const LEAVE_MS = 1_000;
/** A connection that has sent nothing for so long is idle: browsers open some in advance. */
const SILENT_MS = 1_000;

/**
 * Lets answers under way finish when the process is asked to stop. From then on each answer ends its connection, so that
 * whoever keeps one makes the next call elsewhere; one that was closed with a call on its way would be reset. Nest closes
 * the HTTP server after this hook, and a keep-alive socket would hold that up for minutes: sockets that are idle still are
 * swept until the server is down, and after ten seconds the rest is cut.
 */
@Injectable()
export class GracefulShutdown implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(GracefulShutdown.name);
  /** Connections without a request so far, and since when: Node does not count them as idle. */
  private readonly silent = new Map<Socket, number>();
  private readonly open = new Set<Socket>();
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
      this.open.add(socket);
      socket.once('close', () => {
        this.silent.delete(socket);
        this.open.delete(socket);
      });
    });
    // Before the one that answers.
    this.server?.prependListener('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
      this.silent.delete(socket);
      if (this.draining) response.shouldKeepAlive = false;
    });
  }

  async beforeApplicationShutdown(signal?: string): Promise<void> {
    this.draining = true;
    const { server } = this;
    if (!server?.listening) return;
    this.logger.log(`draining (${signal ?? 'close'})`);
    // Proxies ask for readiness now and then: until they see it, they send calls here.
    if (signal !== undefined) await delay(this.delayMs);
    const since = performance.now();
    setTimeout(() => {
      this.logger.warn(`still not drained after ${DEADLINE_MS} ms: dropping connections`);
      server.closeAllConnections();
    }, DEADLINE_MS).unref();
    // Nobody is sent here where the application is closed by code.
    if (signal !== undefined || this.inService) await this.lastCall(since);
    setInterval(() => this.sweep(server, since), SWEEP_MS).unref();
  }

  private async lastCall(since: number): Promise<void> {
    await delay(LAST_CALL_MS);
    while (this.open.size > 0 && performance.now() - since < LEAVE_MS) await delay(SWEEP_MS);
  }

  private get server(): Server | undefined {
    return this.host.httpAdapter?.getHttpServer() as Server | undefined;
  }

  private sweep(server: Server, drainingSince: number): void {
    server.closeIdleConnections();
    for (const [socket, since] of this.silent) if (performance.now() - Math.max(since, drainingSince) > SILENT_MS) socket.destroy();
  }
}
