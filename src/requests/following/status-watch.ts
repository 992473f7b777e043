import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Notifications } from '../../database/notifications';
import { RequestSignals } from './request-signals';
import { type Waiter } from './waiter';

/** Who waits for a change of which request. A signal is a hint to look at the request; it may come for nothing. */
@Injectable()
export class StatusWatch implements OnModuleInit {
  private readonly waiters = new Map<string, Waiter[]>();

  constructor(
    private readonly signals: RequestSignals,
    private readonly notifications: Notifications,
  ) {}

  onModuleInit(): void {
    this.signals.onChanged((id) => this.signal(id));
    this.notifications.onGap(() => {
      for (const id of this.waiters.keys()) this.signal(id);
    });
  }

  watch(id: string, waiter: Waiter): void {
    const others = this.waiters.get(id);
    if (others) others.push(waiter);
    else this.waiters.set(id, [waiter]);
  }

  unwatch(id: string, waiter: Waiter): void {
    const left = this.waiters.get(id)?.filter((other) => other !== waiter) ?? [];
    if (left.length > 0) this.waiters.set(id, left);
    else this.waiters.delete(id);
  }

  private signal(id: string): void {
    for (const waiter of this.waiters.get(id) ?? []) waiter.signal();
  }
}
