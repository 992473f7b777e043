import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Notifications } from '../database/notifications';
import { RequestSignals } from './request-signals';

/** Who waits for a change of which request. A call is a hint to read the request; it may come for nothing. */
@Injectable()
export class StatusWatch implements OnModuleInit {
  private readonly watched = new Map<string, Set<() => void>>();

  constructor(
    private readonly signals: RequestSignals,
    private readonly notifications: Notifications,
  ) {}

  onModuleInit(): void {
    this.signals.onChanged((id) => this.tell(id));
    this.notifications.onGap(() => {
      for (const id of this.watched.keys()) this.tell(id);
    });
  }

  /** @returns what ends the watch */
  watch(id: string, changed: () => void): () => void {
    const watchers = this.watched.get(id) ?? new Set();
    this.watched.set(id, watchers.add(changed));
    return () => {
      watchers.delete(changed);
      if (watchers.size === 0 && this.watched.get(id) === watchers) this.watched.delete(id);
    };
  }

  private tell(id: string): void {
    for (const changed of this.watched.get(id) ?? []) changed();
  }
}
