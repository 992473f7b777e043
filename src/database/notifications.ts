import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { type Client } from 'pg';
import { Connections } from './connections';

const HEARTBEAT_MS = 500;
const HEARTBEAT_TIMEOUT_MS = 1_000;
const RETRY_MS = 250;
const RECONNECT_MS = 20;

type Handler = (payload: string) => void;

/**
 * PostgreSQL's LISTEN on one connection of its own. Always true: while `healthy`, every notification committed more than
 * a heartbeat ago has been handed on; after a gap, `onGap` handlers run before `healthy` is true again, because what was
 * notified meanwhile is lost. A half-open link is found by the heartbeat.
 */
@Injectable()
export class Notifications implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(Notifications.name);
  private readonly handlers = new Map<string, Handler[]>();
  private readonly gapHandlers: (() => void | Promise<void>)[] = [];
  private client: Client | null = null;
  private closing = false;
  private lost = new AbortController();
  private asked: Promise<unknown> = Promise.resolve();
  healthy = false;

  constructor(private readonly connections: Connections) {}

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
    await this.connect();
    void this.keepAlive();
  }

  async onApplicationShutdown(): Promise<void> {
    this.closing = true;
    await this.client?.end().catch(() => undefined);
  }

  private async keepAlive(): Promise<void> {
    while (!this.closing) {
      // A connection that reports its end is replaced at once, not at the next beat.
      await delay(HEARTBEAT_MS, undefined, { ref: false, signal: this.lost.signal }).catch(() => delay(RECONNECT_MS, undefined, { ref: false }));
      this.lost = new AbortController();
      try {
        if (this.closing) return;
        if (this.client === null) await this.connect();
        else await this.ask(this.client, 'SELECT');
      } catch (error) {
        this.logger.debug(`listening connection lost: ${(error as Error).message}`);
        this.drop();
        await delay(RETRY_MS, undefined, { ref: false });
      }
    }
  }

  private async connect(): Promise<void> {
    const client = this.connections.client({ application: 'quotidian listen', answerTimeoutMs: HEARTBEAT_TIMEOUT_MS });
    client.on('error', () => this.drop(client));
    client.on('end', () => this.drop(client));
    client.on('notification', ({ channel, payload }) => {
      for (const handler of this.handlers.get(channel) ?? []) handler(payload ?? '');
    });
    await client.connect();
    this.client = client;
    for (const channel of this.handlers.keys()) await client.query(`LISTEN ${client.escapeIdentifier(channel)}`);
    for (const handler of this.gapHandlers) await handler();
    this.healthy = this.client === client;
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
