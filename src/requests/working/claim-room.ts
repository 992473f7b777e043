import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Notifications } from '../../database/notifications';
import { RequestSignals } from '../following/request-signals';
import { type Waiter } from '../following/waiter';

/** However lost a signal is, a worker looks again after this long. */
const NET_MS = 3_000;
const MIN_MS = 5;

/**
 * Where claims wait that found nothing. A signal wakes one of those who can carry out its type, and who finds something
 * wakes the next: a hundred idle workers do not all run for one request.
 */
@Injectable()
export class ClaimRoom implements OnModuleInit {
  /** Who can carry out which type, the first that came first. */
  private readonly waiters = new Map<string, Set<Waiter>>();

  constructor(
    private readonly signals: RequestSignals,
    private readonly notifications: Notifications,
  ) {}

  onModuleInit(): void {
    this.signals.onReady((type) => this.wake([type]));
    this.notifications.onGap(() => {
      for (const able of this.waiters.values()) for (const waiter of able) waiter.signal();
    });
  }

  enter(waiter: Waiter, types: readonly string[]): void {
    for (const type of types) {
      const able = this.waiters.get(type) ?? new Set();
      this.waiters.set(type, able.add(waiter));
    }
  }

  leave(waiter: Waiter, types: readonly string[]): void {
    for (const type of types) {
      const able = this.waiters.get(type);
      able?.delete(waiter);
      if (able?.size === 0) this.waiters.delete(type);
    }
    // A signal that woke a worker who is not to be answered is somebody else's.
    if (waiter.isClosed) this.wake(types);
  }

  /** Until a signal, or what is due by the clock, or the time is over. False when there is nothing left to wait for. */
  async wait(waiter: Waiter, forMs: number, nextInMs: number | null): Promise<boolean> {
    if (forMs <= 0) return false;
    return waiter.waitForChange(Math.max(MIN_MS, Math.min(forMs, (nextInMs ?? NET_MS) + 1, NET_MS)));
  }

  /** Wakes one of those who wait for any of the types, the first that came; if all are looking, they look again. */
  wake(types: readonly string[]): void {
    for (const type of types) {
      for (const waiter of this.waiters.get(type) ?? []) if (waiter.isWaiting) return waiter.signal();
    }
    for (const type of types) for (const waiter of this.waiters.get(type) ?? []) waiter.signal();
  }
}
