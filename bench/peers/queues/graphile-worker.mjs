// graphile-worker as its page on performance sets it up: a local queue and completing in batches. A completed job is deleted, and its result is kept nowhere.
import { Logger, makeWorkerUtils, run } from 'graphile-worker';

const BATCHES = { concurrentJobs: 24, maxPoolSize: 25, completeJobBatchDelay: 0, failJobBatchDelay: 0 };
const logger = new Logger(() => (level, message) => level === 'error' && console.error(message));

export class GraphileWorkerQueue {
  static async open(url) {
    const utils = await makeWorkerUtils({ connectionString: url, logger });
    await utils.migrate();
    return Object.assign(new GraphileWorkerQueue(), { url, utils });
  }

  async fill(count) {
    for (let left = count; left > 0; left -= 1_000) {
      await this.utils.addJobs(Array.from({ length: Math.min(left, 1_000) }, () => ({ identifier: 'work', payload: { size: 3 } })));
    }
  }

  async drain({ workers, batch, count }) {
    let done = 0;
    let from;
    let finish;
    const finished = new Promise((resolve) => (finish = resolve));
    const work = () => {
      // Its start is not counted: whoever has so much to do has started before.
      from ??= performance.now();
      if (++done === count) finish();
    };
    const options = {
      connectionString: this.url,
      preset: { worker: { ...BATCHES, localQueue: { size: batch } } },
      taskList: { work },
      noHandleSignals: true,
      logger,
    };
    const runners = await Promise.all(Array.from({ length: workers }, () => run(options)));
    await finished;
    // Completes what is still collected.
    await Promise.all(runners.map((runner) => runner.stop()));
    return { done, ms: performance.now() - from };
  }

  close() {
    return this.utils.release();
  }
}
