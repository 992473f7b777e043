import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { type SpanPlace, tracing } from '../common/spans';
import { TraceOriginsRepository } from './trace-origins.repository';

const WRITE_MS = 100;
/** A claim may come before what another process remembers is written: its span waits for that, its answer does not. */
const LOOK_AFTER_MS = 500;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Has spans of one process link to submits that another one admitted. Always true: where tracing is off nothing of this runs and nothing is written; where it is
 * on, no call waits for it or fails by it.
 */
@Injectable()
export class TraceOrigins implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(TraceOrigins.name);
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> | null = null;

  constructor(private readonly repository: TraceOriginsRepository) {}

  onApplicationBootstrap(): void {
    if (tracing.spans === null) return;
    this.timer = setInterval(() => void (this.writing ??= this.write().finally(() => (this.writing = null))), WRITE_MS).unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    if (this.timer === undefined) return;
    clearInterval(this.timer);
    await this.writing;
    await this.write();
  }

  /** Where the submits of these requests stand, of those that this process does not know itself. Never rejects. */
  async of(ids: readonly unknown[]): Promise<SpanPlace[]> {
    const { spans } = tracing;
    if (spans === null) return [];
    const others = ids.filter((id): id is string => typeof id === 'string' && UUID.test(id) && spans.recall(id).length === 0);
    if (others.length === 0) return [];
    await delay(LOOK_AFTER_MS, undefined, { ref: false });
    const found = await this.repository.of(others).catch(() => []);
    return found.flatMap((traceparent) => spans.placeAt(traceparent));
  }

  /** Forgets what is older than a day, in batches; returns how many. */
  async removeExpired(stop?: AbortSignal): Promise<number> {
    for (let sum = 0; ;) {
      const removed = await this.repository.removeExpired();
      sum += removed;
      if (removed === 0 || stop?.aborted) return sum;
    }
  }

  private async write(): Promise<void> {
    const origins = tracing.spans?.unwritten() ?? [];
    if (origins.length === 0) return;
    await this.repository
      .add(origins)
      .catch((error: Error) => this.logger.debug(`${origins.length} submits will not be linked to by others: ${error.message}`));
  }
}
