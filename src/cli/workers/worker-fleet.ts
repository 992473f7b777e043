import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { type Logger } from 'pino';
import { FAILED } from '../exit';
import { endLostConnections } from './lost-connections';

/** A worker that lived so long died of something new: the next one starts at once. */
const SOUND_AFTER_MS = 10_000;
const MIN_WAIT_MS = 500;
const MAX_WAIT_MS = 30_000;

/** The worker processes of one start, each at a place with a number. Always true: until it is stopped, every place is taken or about to be. */
export class WorkerFleet {
  private readonly stopped = new AbortController();
  private failed = false;

  constructor(
    private readonly count: number,
    private readonly variables: (place: { number: number; of: number }) => Record<string, string>,
    private readonly logger: Logger,
    private readonly stopTimeoutMs: number,
  ) {}

  /** Resolves with the exit code once all have ended: after `stop`, or at once where the first one cannot start. */
  async run(): Promise<number> {
    // One alone first: it migrates, makes the secrets that are missing, and states in one line why it cannot start.
    const first = this.fork(1);
    const listening = await Promise.race([once(first, 'listening').then(() => true), once(first, 'exit').then(() => false)]);
    if (!listening && !this.stopping) return first.process.exitCode ?? FAILED;
    await Promise.all(Array.from({ length: this.count }, (_, index) => this.keep(index + 1, index === 0 ? first : undefined)));
    return this.failed ? FAILED : 0;
  }

  /** Lets all drain, and ends those that do not. */
  stop(signal: NodeJS.Signals): void {
    if (this.stopping) return;
    this.stopped.abort();
    for (const worker of this.alive) worker.process.kill(signal);
    setTimeout(() => {
      for (const worker of this.alive) worker.process.kill('SIGKILL');
    }, this.stopTimeoutMs).unref();
  }

  private get stopping(): boolean {
    return this.stopped.signal.aborted;
  }

  private get alive(): Worker[] {
    return Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
  }

  private fork(number: number): Worker {
    const worker = cluster.fork(this.variables({ number, of: this.count }));
    endLostConnections(worker);
    return worker;
  }

  private async keep(number: number, first?: Worker): Promise<void> {
    let waitMs = 0;
    for (let worker = first; !this.stopping || worker !== undefined; worker = undefined) {
      worker ??= this.fork(number);
      const since = performance.now();
      const { exitCode, signalCode } = await this.end(worker);
      if (this.stopping) {
        this.failed ||= (exitCode ?? 0) !== 0 || signalCode === 'SIGKILL';
        return;
      }
      waitMs = performance.now() - since > SOUND_AFTER_MS ? 0 : Math.min(MAX_WAIT_MS, Math.max(MIN_WAIT_MS, waitMs * 2));
      this.logger.warn({ worker: number, exitCode, signal: signalCode, waitMs }, 'a worker process ended: another one takes its place');
      await delay(waitMs, undefined, { signal: this.stopped.signal }).catch(() => undefined);
    }
  }

  private async end(worker: Worker): Promise<{ exitCode: number | null; signalCode: string | null }> {
    if (!worker.isDead()) await once(worker, 'exit');
    return worker.process;
  }
}
