import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { type RequestDto } from './dto/request.dto';
import { isFinal } from '../ledger/entities/request.entity';
import { RequestsService } from './requests.service';
import { StatusWatch } from './status-watch';

/** However lost a signal is, the request is read again after this long. */
const NET_MS = 3_000;

/** Holds an answer until its request has ended, for callers who would rather wait than ask again. */
@Injectable()
export class FinalWait implements BeforeApplicationShutdown {
  private readonly waiting = new Set<() => void>();
  private closed = false;

  constructor(
    private readonly requests: RequestsService,
    private readonly watch: StatusWatch,
  ) {}

  beforeApplicationShutdown(): void {
    this.closed = true;
    for (const wake of this.waiting) wake();
  }

  /** The request once it is final, or as it is when the time is over or the client has gone. */
  async until(userId: number, id: string, forMs: number, isGone: () => boolean): Promise<RequestDto> {
    const endsAt = performance.now() + forMs;
    let changed = false;
    let wake = () => undefined as void;
    const unwatch = this.watch.watch(id, () => {
      changed = true;
      wake();
    });
    try {
      for (;;) {
        changed = false;
        const request = await this.requests.find(id, userId);
        const leftMs = endsAt - performance.now();
        if (isFinal(request.status) || leftMs <= 0 || this.closed || isGone()) return request;
        if (changed) continue;
        await new Promise<void>((resolve) => {
          const timer = setTimeout(() => wake(), Math.min(leftMs, NET_MS));
          wake = () => {
            clearTimeout(timer);
            this.waiting.delete(wake);
            resolve();
          };
          this.waiting.add(wake);
        });
      }
    } finally {
      unwatch();
    }
  }
}
