import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Client } from 'pg';
import { Connections } from './connections';
import { StatementPool } from './statement-pool';

const HEARTBEAT_MS = 500;
const HEARTBEAT_TIMEOUT_MS = 1_000;
const RETRY_MS = 250;
const RECONNECT_MS = 20;
/** How often what would have been notified is looked for, where nobody can be notified. */
const POLL_MS = 750;
/** A notification of our own, sent over another connection, must come back in this time. */
const ROUND_TRIP_MS = 5_000;
const PROVE_AGAIN_MS = 30_000;
const PROBE = 'quotidian_probe';

type Handler = (payload: string) => void;

/**
 * PostgreSQL's LISTEN on one connection of its own. Always true: while `healthy`, every notification committed more than
 * a heartbeat ago has been handed on; after a gap, `onGap` handlers run before `healthy` is true again, because what was
 * notified meanwhile is lost. A half-open link is found by the heartbeat, and that a LISTEN reaches is never believed: it is
 * healthy once a notification that was sent over another connection came back. Behind a pooler that lends no sessions nobody listens,
 * and each moment is the end of a gap.
 */
@Injectable()
export class Notifications implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(Notifications.name);
  private readonly handlers = new Map<string, Handler[]>();
  private readonly gapHandlers: (() => void | Promise<void>)[] = [];
  private readonly probe = `${PROBE}_${randomBytes(6).toString('hex')}`;
  private client: Client | null = null;
  private closing = false;
  private lost = new AbortController();
  private asked: Promise<unknown> = Promise.resolve();
  private provenAt = -Infinity;
  /** Nothing that is notified arrives here, though the database is there. */
  private deaf = false;
  private proving: Promise<void> | null = null;
  healthy = false;

  constructor(
    private readonly connections: Connections,
    private readonly statements: StatementPool,
  ) {}

  /** Why changes are polled for; null where they are listened for. For operators. */
  get problem(): string | null {
    if (this.connections.sessions === null) return 'DATABASE_URL leads to a pooler and DATABASE_DIRECT_URL is not set: changes are polled for';
    if (this.healthy) return null;
    return this.deaf ? 'LISTEN does not reach this process: changes are polled for' : 'listening connection lost';
  }

  /** Calls the handler with the payload of every notification on the channel. When this resolves, none that is committed later is missed. */
  async on(channel: string, handler: Handler): Promise<void> {
    this.handlers.set(channel, [...(this.handlers.get(channel) ?? []), handler]);
    const { client } = this;
    if (client) await this.ask(client, `LISTEN ${client.escapeIdentifier(channel)}`).catch(() => this.drop(client));
  }

  /** Calls the handler after each time in which notifications may have been missed. */
  onGap(handler: () => void | Promise<void>): void {
    this.gapHandlers.push(handler);
  }

  async onModuleInit(): Promise<void> {
    const { sessions } = this.connections;
    this.deaf = sessions === null;
    void this.poll();
    if (sessions === null) return this.logger.warn(this.problem);
    await this.connect(sessions).catch((error: Error) => {
      if (!this.deaf) throw error;
      this.logger.warn(`LISTEN does not reach this process (${error.message}): changes are polled for`);
      this.drop();
    });
    void this.keepAlive(sessions);
  }

  async onApplicationShutdown(): Promise<void> {
    this.closing = true;
    await this.client?.end().catch(() => undefined);
  }

  /** Proves that what is notified arrives, unless that was proven within the time. When it resolves, `healthy` is so. */
  async prove(withinMs: number): Promise<void> {
    const { client } = this;
    if (client === null || !this.healthy || performance.now() - this.provenAt < withinMs) return;
    this.proving ??= this.roundTrip()
      .catch(() => this.drop(client))
      .finally(() => (this.proving = null));
    await this.proving;
  }

  private async poll(): Promise<void> {
    while (!this.closing) {
      await delay(POLL_MS, undefined, { ref: false });
      if (this.deaf && !this.closing) await this.closeGap().catch((error: Error) => this.logger.debug(`changes not polled for: ${error.message}`));
    }
  }

  private async keepAlive(sessions: Connections): Promise<void> {
    while (!this.closing) {
      // A connection that reports its end is replaced at once, not at the next beat.
      await delay(HEARTBEAT_MS, undefined, { ref: false, signal: this.lost.signal }).catch(() => delay(RECONNECT_MS, undefined, { ref: false }));
      this.lost = new AbortController();
      try {
        if (this.closing) return;
        if (this.client === null) await this.connect(sessions);
        else await this.ask(this.client, 'SELECT');
        void this.prove(PROVE_AGAIN_MS);
      } catch (error) {
        this.logger.debug(`listening connection lost: ${(error as Error).message}`);
        this.drop();
        await delay(RETRY_MS, undefined, { ref: false });
      }
    }
  }

  private async connect(sessions: Connections): Promise<void> {
    const client = sessions.client({ application: 'quotidian listen', answerTimeoutMs: HEARTBEAT_TIMEOUT_MS });
    client.on('error', () => this.drop(client));
    client.on('end', () => this.drop(client));
    client.on('notification', ({ channel, payload }) => {
      for (const handler of this.handlers.get(channel) ?? []) handler(payload ?? '');
    });
    await client.connect();
    this.client = client;
    for (const channel of [this.probe, ...this.handlers.keys()]) await client.query(`LISTEN ${client.escapeIdentifier(channel)}`);
    await this.roundTrip();
    await this.closeGap();
    this.healthy = this.client === client;
  }

  /** @throws when the notification does not come back, or the connection is lost meanwhile */
  private async roundTrip(): Promise<void> {
    const nonce = randomBytes(6).toString('hex');
    const over = new AbortController();
    const arrived = new Promise<void>((resolve) => this.handlers.set(this.probe, [(payload) => (payload === nonce ? resolve() : undefined)]));
    const late = delay(ROUND_TRIP_MS, undefined, { ref: false, signal: AbortSignal.any([over.signal, this.lost.signal]) }).then(() => {
      this.deaf = true;
      throw new Error('a notification did not come back');
    });
    try {
      await Promise.race([Promise.all([this.statements.notify(this.probe, [nonce]), arrived]), late]);
    } finally {
      late.catch(() => undefined);
      over.abort();
    }
    this.provenAt = performance.now();
    this.deaf = false;
  }

  private async closeGap(): Promise<void> {
    for (const handler of this.gapHandlers) await handler();
  }

  /** One statement after the other: pg takes no second one while the first is under way. */
  private ask(client: Client, query: string): Promise<unknown> {
    this.asked = this.asked.catch(() => undefined).then(() => client.query(query));
    return this.asked;
  }

  private drop(client = this.client): void {
    if (client === null || client !== this.client) return;
    this.client = null;
    this.healthy = false;
    this.lost.abort();
    // end() would wait for an answer that a half-open link never gives.
    (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  }
}
