import { type BeforeApplicationShutdown, Injectable, type OnModuleInit } from '@nestjs/common';
import { Notifications } from '../database/notifications';
import { RequestSignals } from './request-signals';

/** However lost a signal is, a worker looks again after this long. */
const NET_MS = 3_000;

/** A worker's claim that is under way. */
export interface Waiter {
  types: ReadonlySet<string>;
  /** Ends the wait; null while it looks for itself. */
  wake: (() => void) | null;
  /** There was a signal while it looked. */
  missed: boolean;
}

/**
 * Where claims wait that found nothing. A signal wakes one of those who can carry out its type, and who finds something
 * wakes the next: a hundred idle workers do not all run for one request.
 */
@Injectable()
export class ClaimRoom implements OnModuleInit, BeforeApplicationShutdown {
  private readonly waiters = new Set<Waiter>();
  private closed = false;

  constructor(
    private readonly signals: RequestSignals,
    private readonly notifications: Notifications,
  ) {}

  onModuleInit(): void {
    this.signals.onReady((type) => this.wake([type]));
    this.notifications.onGap(() => this.wakeAll());
  }

  beforeApplicationShutdown(): void {
    this.closed = true;
    this.wakeAll();
  }

  enter(types: readonly string[]): Waiter {
    const waiter: Waiter = { types: new Set(types), wake: null, missed: false };
    this.waiters.add(waiter);
    return waiter;
  }

  leave(waiter: Waiter): void {
    this.waiters.delete(waiter);
  }

  /** Until a signal, or what is due by the clock, or the time is over. False when there is nothing left to wait for. */
  async wait(waiter: Waiter, forMs: number, nextInMs: number | null, gone: AbortSignal): Promise<boolean> {
    if (forMs <= 0 || this.closed || gone.aborted) return false;
    if (!waiter.missed) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.max(5, Math.min(forMs, (nextInMs ?? NET_MS) + 1, NET_MS)));
        waiter.wake = () => {
          clearTimeout(timer);
          resolve();
        };
        gone.addEventListener('abort', waiter.wake, { once: true });
      });
      if (waiter.wake) gone.removeEventListener('abort', waiter.wake);
    }
    waiter.wake = null;
    waiter.missed = false;
    return !this.closed && !gone.aborted;
  }

  /** Wakes one of those who wait for any of the types, the first that came; if all are looking, they look again. */
  wake(types: readonly string[]): void {
    for (const waiter of this.waiters) {
      if (waiter.wake === null || !types.some((type) => waiter.types.has(type))) continue;
      const { wake } = waiter;
      waiter.wake = null;
      return wake();
    }
    for (const waiter of this.waiters) if (types.some((type) => waiter.types.has(type))) waiter.missed = true;
  }

  private wakeAll(): void {
    for (const { wake } of this.waiters) wake?.();
  }
}
