import { Injectable } from '@nestjs/common';
import { TransitionsService } from './transitions.service';

/** What is beyond is left to whoever notices it next. */
const MAX_UNDER_WAY = 500;

/**
 * Ends what the clock has ended beside whoever noticed it. Always true: a claim's answer neither waits for a sweep nor depends
 * on it, be its user's row locked for seconds or one of the requests impossible to end.
 */
@Injectable()
export class OverdueSweep {
  private readonly underWay = new Set<string>();

  constructor(private readonly transitions: TransitionsService) {}

  /** Those that are being ended already are not asked for again. */
  begin(ids: readonly string[]): void {
    for (const id of ids) {
      if (this.underWay.size >= MAX_UNDER_WAY) return;
      if (this.underWay.has(id)) continue;
      this.underWay.add(id);
      void this.transitions.sweepEach([id]).finally(() => this.underWay.delete(id));
    }
  }
}
