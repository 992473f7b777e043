// pg-boss in its own process's memory, by its own batches: fetch many, complete as many in one statement. Completed jobs stay, as our requests do.
import PgBoss from 'pg-boss';

const QUEUE = 'work';

export class PgBossQueue {
  /** @type {any} */
  boss;

  static async open(url) {
    // As with our service here, nothing runs beside the work. Nobody asks for priorities.
    const boss = new PgBoss({ connectionString: url, supervise: false, schedule: false });
    boss.on('error', (error) => console.error(error));
    await boss.start();
    await boss.createQueue(QUEUE);
    return Object.assign(new PgBossQueue(), { boss });
  }

  async fill(count) {
    for (let left = count; left > 0; left -= 1_000) {
      await this.boss.insert(Array.from({ length: Math.min(left, 1_000) }, () => ({ name: QUEUE, data: { size: 3 } })));
    }
  }

  async drain({ workers, batch }) {
    let done = 0;
    const from = performance.now();
    await Promise.all(
      Array.from({ length: workers }, async () => {
        for (let jobs; (jobs = await this.boss.fetch(QUEUE, { batchSize: batch, priority: false })).length > 0; done += jobs.length) {
          await this.boss.complete(
            QUEUE,
            jobs.map(({ id }) => id),
            { words: 3 },
          );
        }
      }),
    );
    return { done, ms: performance.now() - from };
  }

  close() {
    return this.boss.stop({ graceful: false, wait: true });
  }
}
