import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Notifications } from '../../database/notifications';
import { StatementPool } from '../../database/statement-pool';

/** Types that have something to claim. */
const READY = 'requests_ready';
/** Requests whose status changed. */
const CHANGED = 'requests_changed';

/** A NOTIFY takes 8,000 bytes. */
const NAMES_A_NOTIFICATION = 140;
/** The first signal goes at once, and those of this long after it together. */
const PAUSE_MS = 20;

/** Hints that wait to be sent on a channel. */
const MAX_UNSENT = 10_000;

type Channel = typeof READY | typeof CHANGED;
type Handler = (name: string) => void;

/**
 * Notifies every replica of what is to be had and what has changed, as soon as it is committed. Hints only: whoever is notified reads
 * the table, and whoever waits also looks by itself now and then. Sent beside the charge, not by it: a NOTIFY within it
 * would make commits wait for each other.
 */
@Injectable()
export class RequestSignals implements OnModuleInit {
  private readonly logger = new Logger(RequestSignals.name);
  private readonly self = randomBytes(6).toString('base64url');
  private readonly handlers: Record<Channel, Handler[]> = { [READY]: [], [CHANGED]: [] };
  private unsent: Record<Channel, Set<string>> = { [READY]: new Set(), [CHANGED]: new Set() };
  private sending = false;

  constructor(
    private readonly notifications: Notifications,
    private readonly statements: StatementPool,
  ) {}

  async onModuleInit(): Promise<void> {
    for (const channel of [READY, CHANGED] as const) {
      await this.notifications.on(channel, (payload) => {
        const [sender, ...names] = payload.split(' ');
        if (sender !== this.self) for (const name of names) this.wake(channel, name);
      });
    }
  }

  onReady(handler: Handler): void {
    this.handlers[READY].push(handler);
  }

  onChanged(handler: Handler): void {
    this.handlers[CHANGED].push(handler);
  }

  /** Requests of the type were committed that wait for a worker. */
  ready(type: string): void {
    this.publish(READY, type);
  }

  /** A change of the request's status was committed. */
  changed(id: string): void {
    this.publish(CHANGED, id);
  }

  private publish(channel: Channel, name: string): void {
    this.wake(channel, name);
    // While the database does not take them: who waits looks by itself, too.
    if (this.unsent[channel].size < MAX_UNSENT) this.unsent[channel].add(name);
    if (this.sending) return;
    this.sending = true;
    setImmediate(() => void this.send());
  }

  private wake(channel: Channel, name: string): void {
    for (const handler of this.handlers[channel]) handler(name);
  }

  private async send(): Promise<void> {
    while (this.unsent[READY].size + this.unsent[CHANGED].size > 0) {
      const batch = this.unsent;
      this.unsent = { [READY]: new Set(), [CHANGED]: new Set() };
      try {
        for (const [channel, names] of Object.entries(batch)) if (names.size > 0) await this.notify(channel, [...names]);
      } catch (error) {
        this.logger.debug(`signals not sent: ${(error as Error).message}`);
      }
      await delay(PAUSE_MS, undefined, { ref: false });
    }
    this.sending = false;
  }

  private async notify(channel: string, names: string[]): Promise<void> {
    const parts: string[] = [];
    for (let i = 0; i < names.length; i += NAMES_A_NOTIFICATION) parts.push([this.self, ...names.slice(i, i + NAMES_A_NOTIFICATION)].join(' '));
    await this.statements.notify(channel, parts);
  }
}
