import { type BeforeApplicationShutdown, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Notifications } from '../../database/notifications';
import { type ChangedRequest, ListWatchRepository } from './list-watch.repository';
import { RequestSignals } from './request-signals';
import { type Waiter } from './waiter';

/** Between two looks, while anybody waits. */
const LOOK_MS = 1_000;
/** Requests that one look is for. Where more are new, or changed, everybody is signalled. */
const MAX_CHANGED = 500;

/**
 * Who waits for a change of the requests of which user, or of everybody. One look a second is made for all of them together, and none while
 * nobody waits; a waiter is signalled once a look at the utmost. A signal is a hint to read the list; it may come for nothing.
 */
@Injectable()
export class ListWatch implements OnModuleInit, BeforeApplicationShutdown {
  private readonly logger = new Logger(ListWatch.name);
  /** By user; null: of everybody. */
  private readonly waiters = new Map<number | null, Set<Waiter>>();
  private changed = new Set<string>();
  /** The newest at the last look; null: there was none yet. */
  private seen: ReadonlySet<string> | null = null;
  private timer: NodeJS.Timeout | null = null;
  private isLooking = false;

  constructor(
    private readonly repository: ListWatchRepository,
    private readonly signals: RequestSignals,
    private readonly notifications: Notifications,
  ) {}

  onModuleInit(): void {
    this.signals.onChanged((id) => {
      if (this.timer !== null && this.changed.size <= MAX_CHANGED) this.changed.add(id);
    });
    this.notifications.onGap(() => this.signalAll());
  }

  beforeApplicationShutdown(): void {
    this.rest();
  }

  watch(userId: number | null, waiter: Waiter): void {
    const others = this.waiters.get(userId);
    if (others) others.add(waiter);
    else this.waiters.set(userId, new Set([waiter]));
    this.timer ??= setInterval(() => void this.look(), LOOK_MS).unref();
  }

  unwatch(userId: number | null, waiter: Waiter): void {
    const others = this.waiters.get(userId);
    others?.delete(waiter);
    if (others?.size === 0) this.waiters.delete(userId);
    if (this.waiters.size === 0) this.rest();
  }

  private rest(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    this.changed.clear();
    this.seen = null;
  }

  private async look(): Promise<void> {
    if (this.isLooking) return;
    this.isLooking = true;
    const changed = this.changed;
    this.changed = new Set();
    try {
      const found = await this.repository.newestAnd([...changed].slice(0, MAX_CHANGED), MAX_CHANGED);
      this.signal(found, changed);
    } catch (error) {
      // Who waits is signalled by the next ping, too.
      this.logger.debug(`no look at new requests: ${(error as Error).message}`);
    } finally {
      this.isLooking = false;
    }
  }

  private signal(found: readonly ChangedRequest[], changed: ReadonlySet<string>): void {
    const before = this.seen;
    this.seen = new Set(found.map(({ id }) => id));
    // Nobody knows what was committed between the list that a client read and this look.
    if (before === null) return this.signalAll();
    const fresh = found.filter(({ id }) => changed.has(id) || !before.has(id));
    if (fresh.length >= MAX_CHANGED || changed.size > MAX_CHANGED) return this.signalAll();
    if (fresh.length === 0) return;
    for (const userId of new Set<number | null>([null, ...fresh.map(({ userId }) => userId)])) {
      for (const waiter of this.waiters.get(userId) ?? []) waiter.signal();
    }
  }

  private signalAll(): void {
    for (const waiters of this.waiters.values()) for (const waiter of waiters) waiter.signal();
  }
}
