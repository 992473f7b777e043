import { Injectable, Logger } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { GroupCommit } from '../database/group-commit';
import { type Claimed, DispatchRepository, type Result } from './dispatch.repository';
import { EndpointHealth, type Observed } from './endpoint-health.service';

const MAX_BATCH = 500;
/** A result that cannot be written now is tried again for as long as the claim holds; then another attempt is made. */
const PAUSES_MS = [250, 500, 1_000, 2_000, 4_000, 8_000];

/** The outcome of an attempt. */
export interface Finished {
  delivery: Claimed;
  result: Result;
  gone: boolean;
}

/** Writes what became of attempts, many in one statement. */
@Injectable()
export class Results {
  private readonly logger = new Logger(Results.name);
  private readonly commits: GroupCommit<Finished, null>;
  readonly counts = { delivered: 0, failed: 0, attempts: 0 };

  constructor(
    private readonly repository: DispatchRepository,
    private readonly health: EndpointHealth,
  ) {
    this.commits = new GroupCommit({ name: 'results of webhooks', maxItems: MAX_BATCH, send: (items) => this.send(items) });
  }

  /** Resolves when it is written, or cannot be. Never rejects. */
  async write(finished: Finished): Promise<void> {
    for (const pauseMs of [0, ...PAUSES_MS]) {
      if (pauseMs > 0) await delay(pauseMs, undefined, { ref: false });
      try {
        await this.commits.push(finished);
        return;
      } catch (error) {
        this.logger.warn(`The result of a delivery is not written yet: ${(error as Error).message}`);
      }
    }
  }

  private async send(items: readonly Finished[]): Promise<null[]> {
    // First, so that whoever sees a delivery that ended sees what became of its endpoint.
    await this.health.note(observedIn(items)).catch((error: Error) => this.logger.warn(`Failures of endpoints are noted later: ${error.message}`));
    await this.repository.finish(items.map(({ result }) => result));
    for (const { result } of items) {
      this.counts.attempts++;
      if (result.status !== 'waiting') this.counts[result.status]++;
    }
    return items.map(() => null);
  }
}

function observedIn(items: readonly Finished[]): Observed {
  const ids = (chosen: (finished: Finished) => boolean) => [...new Set(items.filter(chosen).map(({ delivery }) => delivery.endpointId))];
  const good = new Set(ids(({ result }) => result.status === 'delivered'));
  return {
    recovered: ids(({ delivery, result }) => delivery.failing && result.status === 'delivered'),
    failed: ids(({ delivery, result, gone }) => !gone && result.counts && result.status !== 'delivered' && !good.has(delivery.endpointId)),
    gone: ids(({ gone }) => gone),
  };
}
