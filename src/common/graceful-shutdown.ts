import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type Server } from 'node:http';

const DEADLINE_MS = 10_000;
const SWEEP_MS = 50;

/**
 * Lets answers under way finish when the process is told to stop. Nest closes the HTTP server after this hook, and a
 * keep-alive socket would hold that up for minutes: idle sockets are swept until the server is down, and after ten
 * seconds the rest is cut.
 */
@Injectable()
export class GracefulShutdown implements BeforeApplicationShutdown {
  private readonly logger = new Logger(GracefulShutdown.name);
  /** From here on readiness says no. */
  draining = false;

  constructor(private readonly host: HttpAdapterHost) {}

  beforeApplicationShutdown(signal?: string): void {
    this.draining = true;
    const server = this.host.httpAdapter?.getHttpServer() as Server | undefined;
    if (!server?.listening) return;
    this.logger.log(`draining (${signal ?? 'close'})`);
    setInterval(() => server.closeIdleConnections(), SWEEP_MS).unref();
    setTimeout(() => {
      this.logger.warn(`still not drained after ${DEADLINE_MS} ms: dropping connections`);
      server.closeAllConnections();
    }, DEADLINE_MS).unref();
  }
}
