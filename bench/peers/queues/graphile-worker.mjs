// graphile-worker as its page on performance sets it up: a local queue and completing in batches. A completed job is deleted, and its result is kept nowhere.
import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';

const BATCHES = { concurrentJobs: 24, completeJobBatchDelay: 0, failJobBatchDelay: 0 };
const ignore = () => undefined;

export class GraphileWorkerQueue {
  /** @type {any} */
  utils;
  /** @type {any} */
  pool;
  /** @type {any} */
  logger;

  static async open(url) {
    const pool = new pg.Pool({ connectionString: url, max: 100 });
    // Connections outlast the pool's end by a moment, and so the database: that alone is no complaint.
    pool.on('error', ignore).on('connect', (client) => client.on('error', ignore));
    const logger = new Logger(() => (level, message) => level === 'error' && !pool.ending && console.error(message));
    const utils = await makeWorkerUtils({ pgPool: pool, logger });
    await utils.migrate();
    return Object.assign(new GraphileWorkerQueue(), { pool, utils, logger });
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
      pgPool: this.pool,
      preset: { worker: { ...BATCHES, localQueue: { size: batch } } },
      taskList: { work },
      noHandleSignals: true,
      logger: this.logger,
    };
    const runners = await Promise.all(Array.from({ length: workers }, () => run(options)));
    await finished;
    // Completes what is still collected.
    await Promise.all(runners.map((runner) => runner.stop()));
    return { done, ms: performance.now() - from };
  }

  async close() {
    await this.utils.release();
    await this.pool.end();
  }
}
