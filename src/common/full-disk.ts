import { Injectable } from '@nestjs/common';
import { sqlState } from './database-errors';

/** PostgreSQL's disk_full. */
const DISK_FULL = '53100';
/** For how long one failure counts: somebody's next write fails too, or there is room again. */
const COUNTS_FOR_MS = 5_000;

/** Whether the server found no room for what was written a moment ago. It still answers what is read, so no look at it would find that. */
@Injectable()
export class FullDisk {
  private seenAt = -Infinity;

  /** Takes note of a failure, whatever it is. */
  note(error: unknown, at = performance.now()): void {
    if (sqlState(error) === DISK_FULL) this.seenAt = at;
  }

  /** For operators; null while there is room, as far as is known. */
  problemAt(at = performance.now()): string | null {
    return at - this.seenAt < COUNTS_FOR_MS ? 'PostgreSQL has no room on its disk for what is written (53100)' : null;
  }
}
