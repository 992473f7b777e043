import { Injectable } from '@nestjs/common';
import { NotFoundProblem } from '../../http/problem';
import { isFinal } from '../../ledger/entities/request.entity';
import { type RequestDto } from '../dto/request.dto';
import { HistoriesService } from '../histories.service';
import { ownOnly, RequestsService } from '../requests.service';
import { type StatusEvent } from './event-log';
import { type HeldCall } from './held-calls';
import { StatusWatch } from './status-watch';

/** However lost a signal is, the request is looked at again after this long. */
const NET_MS = 3_000;

/** Holds an answer until its request has ended, for callers who would rather wait than ask again. */
@Injectable()
export class FinalWait {
  constructor(
    private readonly requests: RequestsService,
    private readonly histories: HistoriesService,
    private readonly watch: StatusWatch,
  ) {}

  /**
   * The request once it is final, or as it is when the time is over or the client has gone; null: its row is gone, as that of
   * a repeated submit may be, and so has ended.
   * @throws CredentialsInvalid, ScopeRequired once the credential has ended
   */
  async until(call: HeldCall, userId: number, id: string, forMs: number): Promise<RequestDto | null> {
    try {
      return await this.untilFinal(call, userId, id, forMs);
    } catch (error) {
      if (error instanceof NotFoundProblem) return null;
      throw error;
    }
  }

  private async untilFinal(call: HeldCall, userId: number, id: string, forMs: number): Promise<RequestDto> {
    const endsAt = performance.now() + forMs;
    this.watch.watch(id, call);
    try {
      for (;;) {
        await call.assertAllowed();
        const reach = ownOnly(call.principal) ?? userId;
        const { status } = (await this.histories.events(id, reach)).at(-1) as StatusEvent;
        const leftMs = endsAt - performance.now();
        if (isFinal(status) || leftMs <= 0 || call.isClosed) {
          // It may have closed because its credential ended while the status was read.
          await call.assertAllowed();
          return await this.requests.find(id, reach);
        }
        await call.waitForChange(Math.min(leftMs, NET_MS));
      }
    } finally {
      this.watch.unwatch(id, call);
    }
  }
}
